// What happens to a message after it was written: its text changed, itself deleted, emojis under it. Told as it happens, and
// done when the server asks. Each may be asked for twice, and is then done already.

import { findMessage } from './chats';
import { chosen } from './details';
import { isConversation, keyText, type Message, type MsgModel, toMessage } from './messages';
import { idText, type Person, person, type Reactor, reactor } from './people';
import { mayWrite } from './send';
import { attempt, codeOf, Trouble } from './trouble';

type MsgKey = InstanceType<typeof WPP.whatsapp.MsgKey>;

/** Which message. */
export interface Target {
  chat: string;
  id: string;
  fromMe: boolean;
  /** In a group: who wrote it. */
  sender: string | null;
  contact: Person;
}

export interface Reacted {
  type: 'reacted';
  target: Target;
  /** Empty when it was taken away. */
  emoji: unknown;
  reactor: Reactor;
  t: unknown;
}

/** Somebody has chosen in a poll; nothing chosen: they took their vote back. */
export interface Voted {
  type: 'voted';
  target: Target;
  options: unknown[];
  voter: Reactor;
  t: unknown;
}

/** Where somebody who shares their place live is now. */
export interface Moved {
  type: 'moved';
  message: Message;
  t: number;
}

export type Change =
  | { type: 'edited'; message: Message }
  | { type: 'deleted'; target: Target; t: number }
  | Reacted
  | Voted
  | Moved;

/** Null for what is no conversation: a status, a channel. */
function target(key: MsgKey): Target | null {
  const chat = idText(key.remote);
  if (!isConversation(chat)) {
    return null;
  }
  const sender = chat.endsWith('@g.us') && key.participant ? idText(key.participant) : null;
  return { chat, id: key.id, fromMe: key.fromMe === true, sender, contact: person(sender ?? chat) };
}

/** Calls `tell` with every change that the library tells. */
export function listen(tell: (change: Change) => void): void {
  const safely = (get: () => Change | null) => {
    const change = attempt(get, null);
    if (change) {
      tell(change);
    }
  };
  WPP.on('chat.msg_edited', ({ msg }) =>
    safely(() => {
      const message = toMessage(msg);
      return message && { type: 'edited', message };
    }),
  );
  WPP.on('chat.msg_revoke', ({ refId }) =>
    safely(() => {
      const of = target(refId);
      return of && { type: 'deleted', target: of, t: Math.floor(Date.now() / 1000) };
    }),
  );
  WPP.on('chat.new_reaction', ({ msgId, reactionText, sender, timestamp }) =>
    safely(() => {
      const of = target(msgId);
      return of && { type: 'reacted', target: of, emoji: reactionText ?? '', reactor: reactor(sender), t: timestamp };
    }),
  );
  WPP.on('chat.poll_response', ({ msgId, selectedOptions, sender, timestamp }) =>
    safely(() => {
      const of = target(msgId);
      const poll = attempt(() => (WPP.whatsapp.MsgStore.get(msgId) as MsgModel | undefined) ?? null, null);
      const options = chosen(selectedOptions, poll);
      return of && { type: 'voted', target: of, options, voter: reactor(sender), t: timestamp };
    }),
  );
  // The page's own messages are there once it is ready, which it may be already.
  WPP.on('conn.main_ready', () => attempt(() => followPlaces(safely), undefined));
  if (attempt(() => WPP.isFullReady, false)) {
    attempt(() => followPlaces(safely), undefined);
  }
}

let following = false;

/** The library tells where a shared place begins, not how it moves: the page's own messages do. */
function followPlaces(safely: (get: () => Change | null) => void): void {
  if (following) {
    return;
  }
  following = true;
  const moved = new Set<MsgModel>();
  WPP.whatsapp.MsgStore.on('change:lat change:lng', (msg: MsgModel) => {
    if (moved.size === 0) {
      // Both of them change together.
      queueMicrotask(() => {
        const all = [...moved];
        moved.clear();
        for (const one of all) {
          safely(() => {
            const message = toMessage(one);
            return message && { type: 'moved', message, t: Math.floor(Date.now() / 1000) };
          });
        }
      });
    }
    moved.add(msg);
  });
}

export interface Wanted {
  chat: string;
  id: string;
  fromMe: boolean;
  sender: string | null;
  me: string | null;
  /** One of them. */
  text?: string;
  remove?: true;
  emoji?: string;
}

export async function change(wanted: Wanted): Promise<null> {
  mayWrite(wanted.me);
  const msg = await findMessage(wanted);
  if (!msg) {
    throw new Trouble('no_message', 'the page does not have this message');
  }
  if (wanted.text !== undefined) {
    await edit(msg, wanted.text);
  } else if (wanted.remove) {
    await remove(msg);
  } else {
    await react(msg, wanted.emoji ?? '');
  }
  return null;
}

async function edit(msg: MsgModel, text: string): Promise<void> {
  if (msg.type === 'revoked') {
    throw new Trouble('refused', 'the message has been deleted');
  }
  // The library trims it.
  if ((msg.type === 'chat' ? msg.body : msg.caption)?.trim() === text.trim()) {
    return;
  }
  try {
    await WPP.chat.editMessage(keyText(msg.id), text, { linkPreview: false, markIsRead: false, waitForAck: false });
  } catch (error) {
    if (codeOf(error) === 'edit_message_error') {
      throw new Trouble('refused', 'WhatsApp does not take an edit of this message: it may be too old');
    }
    throw error;
  }
}

async function remove(msg: MsgModel): Promise<void> {
  if (msg.type === 'revoked') {
    return;
  }
  const done = await WPP.chat.deleteMessage(idText(msg.id.remote), keyText(msg.id), true, true);
  const one = Array.isArray(done) ? done[0] : done;
  if (one && !one.isRevoked && (msg.type as string) !== 'revoked') {
    throw new Trouble('refused', 'WhatsApp did not delete this message for everyone');
  }
}

async function react(msg: MsgModel, emoji: string): Promise<void> {
  const mine = await WPP.chat.getReactions(keyText(msg.id)).then(
    (reactions) => reactions.reactionByMe?.reactionText ?? '',
    () => null,
  );
  if (mine !== emoji) {
    await WPP.chat.sendReactionToMessage(msg.id, emoji === '' ? false : emoji);
  }
}
