// Listens to the library and queues what it tells. Also listens to itself: a message that the page shows and no
// listener told is noticed, counted, and found again by a resync.

import { listen } from './changes';
import type { Groups } from './groups';
import { idText } from './people';
import { keyText, type MsgModel, toEvent } from './messages';
import type { Queue } from './queue';
import { isSynced } from './status';
import { attempt } from './trouble';

/** Message keys that are remembered as heard. */
const MAX_HEARD = 2000;
/** How long a listener may take to tell a message that the page shows, in milliseconds. */
const PATIENCE = 3000;
/** How many of the newest chats are looked at. */
const CHATS_LOOKED_AT = 10;

/** What the listeners have told, and what they should have. */
export class Hearing {
  /** Messages that the page shows and nobody told. */
  unheard = 0;
  private readonly heard = new Set<string>();
  private readonly suspects = new Map<string, number>();

  note(id: string): void {
    this.heard.add(id);
    this.suspects.delete(id);
    if (this.heard.size > MAX_HEARD) {
      const [oldest] = this.heard;
      this.heard.delete(oldest as string);
    }
  }

  /** `newest`: the ids of the newest messages that the page shows. `now` in milliseconds. */
  compare(newest: string[], now: number): void {
    for (const id of newest) {
      if (this.heard.has(id)) {
        continue;
      }
      const since = this.suspects.get(id);
      if (since === undefined) {
        this.suspects.set(id, now);
      } else if (now - since >= PATIENCE) {
        this.unheard += 1;
        this.note(id);
      }
    }
    for (const id of this.suspects.keys()) {
      if (!newest.includes(id)) {
        this.suspects.delete(id);
      }
    }
  }
}

/** The newest message of each of the newest chats, as the page shows them. */
function newest(): string[] {
  const chats = WPP.whatsapp.ChatStore.getModelsArray().slice(0, CHATS_LOOKED_AT);
  return chats.flatMap((chat) => (chat.lastReceivedKey ? [chat.lastReceivedKey.id] : []));
}

let followingAcks = false;

/** How far a message in a group is with all of its members. */
function followGroupAcks(queue: Queue): void {
  if (followingAcks) {
    return;
  }
  followingAcks = true;
  WPP.whatsapp.MsgStore.on('change:ack', (msg: MsgModel) =>
    attempt(() => {
      const chat = idText(msg.id.remote);
      if (msg.id.fromMe === true && chat.endsWith('@g.us')) {
        queue.push({ type: 'ack', chat, ids: [msg.id.id], ack: msg.ack ?? 0 });
      }
    }, undefined),
  );
}

export class Listeners {
  private readonly hearing = new Hearing();
  private readonly groups: Groups;
  /** What the page shows at first is for the resync that every new epoch brings. */
  private baseline = false;
  /** Whether the page's own collection is listened to as well. */
  private direct = false;

  constructor(groups: Groups) {
    this.groups = groups;
  }

  get unheard(): number {
    return this.hearing.unheard;
  }

  check(now: number): void {
    if (!attempt(() => WPP.isFullReady && isSynced(), false)) {
      this.baseline = false;
      return;
    }
    const ids = attempt(newest, []);
    if (this.baseline) {
      this.hearing.compare(ids, now);
    } else {
      this.baseline = true;
      ids.forEach((id) => this.hearing.note(id));
    }
  }

  /**
   * Listens to the page's own collection too, where the library's listener tells nothing. What both tell is told twice, and
   * stored once.
   */
  relisten(queue: Queue): null {
    if (!this.direct) {
      WPP.whatsapp.MsgStore.on('add', (msg: MsgModel) => {
        if (msg.isNewMsg) {
          queueMicrotask(() => this.tell(queue, msg));
        }
      });
      this.direct = true;
    }
    return null;
  }

  private tell(queue: Queue, msg: MsgModel): void {
    attempt(() => this.hearing.note(msg.id.id), undefined);
    const event = toEvent(msg);
    if (event) {
      queue.push(event);
    }
    attempt(() => this.groups.note(idText(msg.id.remote), msg.type === 'gp2'), undefined);
  }

  /** `changed` is called when the page's status may have changed; `loggedOut` with WhatsApp's reason. */
  start(queue: Queue, changed: () => void, loggedOut: (reason: string | null) => void): void {
    WPP.on('chat.new_message', (msg) => this.tell(queue, msg));
    WPP.on('group.participant_changed', ({ groupId }) => this.groups.note(idText(groupId), true));
    WPP.on('chat.msg_ack_change', ({ ack, chat, ids }) => {
      const inGroup = idText(chat).endsWith('@g.us');
      if (inGroup && ack > 1) {
        // Of one member alone: the message itself says how far all of them are.
        return;
      }
      // The stanza id survives a chat's move from number to LID; the rest of the key does not.
      const keys = ids.map((key) => attempt(() => key.id, keyText(key)));
      queue.push({ type: 'ack', chat: idText(chat), ids: keys, ack });
    });
    const followGroups = () => attempt(() => followGroupAcks(queue), undefined);
    WPP.on('conn.main_ready', followGroups);
    if (attempt(() => WPP.isFullReady, false)) {
      followGroups();
    }
    listen((change) => queue.push(change));
    let reason: string | null = null;
    WPP.on('conn.logout_reason', (told) => {
      reason = typeof told === 'string' ? told : null;
    });
    WPP.on('conn.logout', () => loggedOut(reason));
    for (const event of [
      'conn.auth_code_change',
      'conn.authenticated',
      'conn.main_ready',
      'conn.online',
      'conn.qrcode_idle',
      'conn.require_auth',
      'conn.stream_info_changed',
      'conn.stream_mode_changed',
      'loader.full_ready',
    ] as const) {
      WPP.on(event, changed);
    }
  }
}
