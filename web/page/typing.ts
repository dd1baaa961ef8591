// Who types. Nothing here is queued: the newest state of a chat waits for the next pull, and is lost with the page.

import { attempt } from './errors';
import { idText } from './people';

/** Maximum number of chats whose typing is asked for; the one that was silent for longest gives way. */
export const MAX_FOLLOWED = 200;
/** States in which a person is about to send something. */
const BUSY = ['typing', 'recording', 'recording_audio'];

/** A state of a chat, as the server reads it. */
export interface TypingState {
  chat: string;
  on: boolean;
}

/** What people do in the chats that we follow. */
export class Typing {
  private readonly followed = new Set<string>();
  private readonly on = new Set<string>();
  private readonly news = new Map<string, boolean>();
  private readonly ring: () => void;

  /** `ring` is called when there is something to pull. */
  constructor(ring: () => void) {
    this.ring = ring;
  }

  /** Asks WhatsApp for the typing of a direct chat. It tells nobody that we ask. */
  follow(chat: string): void {
    if (!chat.endsWith('@c.us') && !chat.endsWith('@lid')) {
      return;
    }
    const isNew = !this.followed.delete(chat);
    this.followed.add(chat);
    if (this.followed.size > MAX_FOLLOWED) {
      const [oldest] = this.followed;
      this.followed.delete(oldest as string);
    }
    if (isNew) {
      attempt(() => void WPP.contact.subscribePresence(chat).catch(() => this.followed.delete(chat)), undefined);
    }
  }

  /** Asks anew for all chats: a subscription ends with its connection. */
  refollow(): void {
    const chats = [...this.followed];
    this.followed.clear();
    chats.forEach((chat) => this.follow(chat));
  }

  /** Notes a person's state in a chat. That somebody who did not type is there, is no news. */
  hear(chat: string, state: string): void {
    const on = BUSY.includes(state);
    if (!on && !this.on.delete(chat)) {
      return;
    }
    if (on) {
      this.on.add(chat);
    }
    this.news.set(chat, on);
    this.ring();
  }

  /** Returns what is new since the last call. */
  take(): TypingState[] {
    const states = Array.from(this.news, ([chat, on]) => ({ chat, on }));
    this.news.clear();
    return states;
  }

  /** Listens to the library. */
  start(): void {
    WPP.on('chat.presence_change', ({ id, isGroup, state }) => {
      attempt(() => {
        const chat = idText(id);
        if (isGroup !== true && this.followed.has(chat)) {
          this.hear(chat, state);
        }
      }, undefined);
    });
    WPP.on('conn.online', (isOnline) => {
      if (isOnline) {
        this.refollow();
      }
    });
  }
}
