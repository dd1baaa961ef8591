// Changes of messages: edits, deletions, reactions, votes. Reported as they happen, and made when the server asks. Each call is
// idempotent.

import { findMessage } from '../chats';
import { chosen, isKept } from './details';
import { isConversation, keyText, type Message, type MsgModel, toMessage } from './messages';
import { calling } from './outgoing';
import { pairing } from './pairs';
import { idText, type Person, person, type Reactor, reactor } from '../people';
import { mayWrite } from './send';
import { attempt, codeOf, PageError } from '../errors';

type MsgKey = InstanceType<typeof WPP.whatsapp.MsgKey>;

/** The changed message. */
export interface Target {
  chat: string;
  id: string;
  fromMe: boolean;
  /** Its sender, in a group. */
  sender: string | null;
  contact: Person;
}

/** A reaction. */
export interface Reacted {
  type: 'reacted';
  target: Target;
  /** Empty if it was withdrawn. */
  emoji: unknown;
  reactor: Reactor;
  t: unknown;
}

/** A vote; without options it was withdrawn. */
export interface Voted {
  type: 'voted';
  target: Target;
  options: unknown[];
  voter: Reactor;
  t: unknown;
}

/** A new position of a live location. */
export interface Moved {
  type: 'moved';
  message: Message;
  t: number;
}

/** People keep a disappearing message in the chat, or do so no longer. */
export interface Kept {
  type: 'kept';
  target: Target;
  kept: boolean;
  t: number;
}

export type Change =
  | { type: 'edited'; message: Message }
  | { type: 'deleted'; target: Target; t: number; by: Reactor | null }
  | Kept
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

/** Calls `report` with every change. */
export function listen(report: (change: Change) => void): void {
  const safely = (get: () => Change | null) => {
    const change = attempt(get, null);
    if (change) {
      report(change);
    }
  };
  WPP.on('chat.msg_edited', ({ msg }) =>
    safely(() => {
      const message = toMessage(msg);
      return message && { type: 'edited', message };
    }),
  );
  WPP.on('chat.msg_revoke', ({ refId, type, author }) =>
    safely(() => {
      const of = isSecondUpload(refId) ? null : target(refId);
      const by = type === 'admin_revoke' && author ? reactor(author) : null;
      return of && { type: 'deleted', target: of, t: now(), by };
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
  // The page's own collection exists once the page is ready, which it may be already.
  WPP.on('conn.main_ready', () => attempt(() => follow(safely), undefined));
  if (attempt(() => WPP.isFullReady, false)) {
    attempt(() => follow(safely), undefined);
  }
}

/** Whether it is the key of a second upload, which is no message of its own. */
function isSecondUpload(key: MsgKey): boolean {
  const msg = attempt(() => WPP.whatsapp.MsgStore.get(String(key)) as object | undefined, undefined);
  return msg !== undefined && pairing(msg) !== null;
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** `keepType` of a message that ends the keeping; 1 begins it. */
const UNDO_KEEP = 2;

/** Returns the keeping that a message of type `keep_in_chat` tells of; null for any other message. */
export function keeping(msg: MsgModel): Kept | null {
  const { keepType, keptMessageKey } = msg as MsgModel & { keepType?: unknown; keptMessageKey?: MsgKey };
  if (msg.type !== ('keep_in_chat' as string) || !keptMessageKey) {
    return null;
  }
  const of = target(keptMessageKey);
  const undone = keepType === UNDO_KEEP || /undo/i.test(String(keepType ?? ''));
  return of && { type: 'kept', target: of, kept: !undone, t: msg.t ?? now() };
}

/** Returns whether a message is kept; null if nobody ever kept it. */
export function keepingOf(msg: MsgModel): Kept | null {
  const of = msg.kicState ? target(msg.id) : null;
  return of && { type: 'kept', target: of, kept: isKept(msg.kicState), t: now() };
}

let following = false;

/** Follows what the library does not report in the page's own collection: live locations, of which it reports only the start, and
 * messages that people keep. */
function follow(safely: (get: () => Change | null) => void): void {
  if (following) {
    return;
  }
  following = true;
  WPP.whatsapp.MsgStore.on('change:kicState', (msg: MsgModel) => safely(() => keepingOf(msg)));
  const moved = new Set<MsgModel>();
  WPP.whatsapp.MsgStore.on('change:lat change:lng', (msg: MsgModel) => {
    if (moved.size === 0) {
      // Latitude and longitude change one after the other: reported together.
      queueMicrotask(() => {
        const all = [...moved];
        moved.clear();
        for (const one of all) {
          safely(() => {
            const message = toMessage(one);
            return message && { type: 'moved', message, t: now() };
          });
        }
      });
    }
    moved.add(msg);
  });
}

/** A change to make. */
export interface ChangeRequest {
  chat: string;
  id: string;
  fromMe: boolean;
  sender: string | null;
  me: string | null;
  /** One of `text`, `remove` and `emoji` is set. */
  text?: string;
  remove?: true;
  emoji?: string;
  /** Digits of the users whom `text` mentions. */
  mentions: string[];
}

/** Edits, deletes or reacts to a message. */
export async function change(request: ChangeRequest): Promise<null> {
  mayWrite(request.me);
  const msg = await findMessage(request);
  if (!msg) {
    throw new PageError('no_message', 'the page does not have this message');
  }
  if (request.text !== undefined) {
    await edit(msg, request.text, request.mentions);
  } else if (request.remove) {
    await remove(msg);
  } else {
    await react(msg, request.emoji ?? '');
  }
  return null;
}

async function edit(msg: MsgModel, text: string, mentions: string[]): Promise<void> {
  if (msg.type === 'revoked') {
    throw new PageError('refused', 'the message was deleted');
  }
  // Compared trimmed: the library trims the text.
  if ((msg.type === 'chat' ? msg.body : msg.caption)?.trim() === text.trim()) {
    return;
  }
  try {
    await WPP.chat.editMessage(keyText(msg.id), text, {
      ...(await calling(idText(msg.id.remote), mentions)),
      linkPreview: false,
      markIsRead: false,
      waitForAck: false,
      detectMentioned: false,
    });
  } catch (error) {
    if (codeOf(error) === 'edit_message_error') {
      throw new PageError('refused', 'WhatsApp refused the edit: the message may be too old');
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
    throw new PageError('refused', 'WhatsApp did not delete this message for everyone');
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
