// Messages as plain JSON. Only fields that the server needs are copied, never media or keys.

import { chosen, type Details, detailsOf, isOfOtherKind, isThumbnail } from './details';
import { isOnce, type Medium, medium } from './media';
import { isNotice } from './notices';
import { pairing } from './pairs';
import { DECRYPT_TIMEOUT } from './undecrypted';
import { forms, idText, isMe, type Person, person, type Reactor, reactor } from '../people';
import { attempt } from '../errors';

/** The library's type, with fields that it leaves out. */
export type MsgModel = InstanceType<typeof WPP.whatsapp.MsgModel> & {
  latestEditMsgKey?: unknown;
  latestEditSenderTimestampMs?: number;
  hasReaction?: boolean;
  /** Whether it is kept in spite of its timer: see {@link KEPT}. */
  kicState?: unknown;
  kicKey?: unknown;
  /** The admin who deleted it, if it was not its author. */
  revokeSender?: unknown;
  /** The message that it belongs to, and how. */
  parentMsgKey?: unknown;
  associationType?: unknown;
};
type MsgKey = InstanceType<typeof WPP.whatsapp.MsgKey>;

/** A message. */
export interface Message {
  type: 'message';
  /** The stanza id. */
  id: string;
  chat: string;
  fromMe: boolean;
  /** Its sender, in a group. */
  sender: string | null;
  /** Time in whole seconds since 1970. */
  t: unknown;
  kind: unknown;
  ack: unknown;
  body: unknown;
  caption: unknown;
  quoted: unknown;
  /** Length of a voice note, audio or video, in seconds. */
  seconds: unknown;
  fileName: unknown;
  /** Name of a contact, poll or location. */
  title: unknown;
  viewOnce: boolean;
  media: Medium | null;
  /** Time of the last edit: seconds or milliseconds since 1970, depending on the page's version. */
  edited: unknown;
  /** All reactions, if they were requested. */
  reactions: { emoji: unknown; reactor: Reactor; t: unknown }[] | null;
  /** All votes of a poll, if they were requested. */
  votes: Vote[] | null;
  details: Details | null;
  contact: Person;
  chatName: unknown;
}

/** One person's vote in a poll. */
export interface Vote {
  options: unknown[];
  voter: Reactor;
  t: unknown;
}

/**
 * Types that are not messages. The names are those of WhatsApp Web's list of message types; a type that is not in that list is
 * reported as a message. A ciphertext is one once it is decrypted, or if that takes long.
 */
const NO_MESSAGES = new Set<unknown>([
  'protocol',
  'debug',
  'debug_placeholder',
  // Notes of WhatsApp's own.
  'notification',
  'e2e_notification',
  'broadcast_notification',
  'newsletter_notification',
  'status_notification',
  'guest_upsell_system_msg',
  // Parts of other messages. The photos of an album are messages of their own, so is a file that is being loaded.
  'album',
  'loading_media',
  'reaction',
  'reaction_enc',
  'poll_update',
  'poll_edit_encrypted',
  'poll_add_option_encrypted',
  'poll_add_option_decrypted',
  'event_response',
  'event_edit_encrypted',
  'message_edit_encrypted',
  'pin_message',
  'pinned_message',
  'keep_in_chat',
  // Transport of a group's history, whose messages come one by one.
  'history_bundle',
  'group-history',
  'message_history_bundle',
  'message_history_notice',
  'biz-cover-photo',
]);

/** Types whose `body` is text. In others it may be a thumbnail. */
const WRITTEN = new Set<unknown>(['chat', 'hsm', 'list_response', 'buttons_response', 'template_button_reply']);

/**
 * Whether the chat is a group or with a person who is known by a number or a LID. Anything else is left out: a status, a channel,
 * a broadcast list, a bot, WhatsApp's own announcements (`0@c.us`), and whatever other server there may be. So is the chat with
 * oneself, which holds private notes.
 */
export function isConversation(chat: string): boolean {
  return (/^[1-9]\d{6,14}@c\.us$/.test(chat) || /^\d+@lid$/.test(chat)) ? !isOwnChat(chat) : /@g\.us$/.test(chat);
}

/** Whether it is the chat with oneself, under number or LID. */
function isOwnChat(chat: string): boolean {
  return forms(chat).some(isMe);
}

/** Returns a key as text. Not by `_serialized`: its place in the key differs between versions of the page. */
export function keyText(key: MsgKey): string {
  return String(key);
}

/** Whether it is a view-once message that only the phone can show. */
function isHiddenOnce(msg: MsgModel): boolean {
  return msg.type === 'ciphertext' && /view_once/.test(String(msg.subtype ?? ''));
}

/** Whether the page had time enough to decrypt a message that was written when this one was. */
function isOld(msg: MsgModel): boolean {
  return Date.now() - (msg.t ?? 0) * 1000 >= DECRYPT_TIMEOUT;
}

/** Converts a message; null if it is not one to report. `isLate`: whether it is reported even if it is not decrypted. */
export function toMessage(msg: MsgModel, isLate = isOld(msg)): Message | null {
  const chat = idText(msg.id.remote);
  const isAwaited = msg.type === 'ciphertext' && !isLate;
  const isNone = NO_MESSAGES.has(msg.type) && !isNotice(msg);
  if ((isAwaited && !isHiddenOnce(msg)) || isNone || !isConversation(chat)) {
    return null;
  }
  const pair = pairing(msg);
  const file = medium(msg);
  if (pair !== null && file === null) {
    // What is left of a second upload whose file is gone says nothing about the message.
    return null;
  }
  const fromMe = msg.id.fromMe === true;
  const inGroup = chat.endsWith('@g.us');
  const writer: unknown = msg.author ?? msg.id.participant ?? null;
  const author = inGroup && writer !== null ? idText(writer) : null;
  const other = author ?? chat;
  const chatModel = inGroup ? WPP.chat.get(chat) : undefined;
  return {
    type: 'message',
    id: pair?.parent ?? msg.id.id,
    chat,
    fromMe,
    sender: author,
    t: msg.t,
    kind: msg.type,
    ack: msg.ack ?? 0,
    body: WRITTEN.has(msg.type) ? msg.body : null,
    caption: msg.caption ?? textOf(msg),
    quoted: msg.quotedStanzaID ?? null,
    seconds: msg.duration ?? null,
    fileName: msg.filename ?? null,
    title: titleOf(msg),
    viewOnce: isOnce(msg) || isHiddenOnce(msg),
    media: file,
    edited: msg.latestEditMsgKey && pair === null ? (msg.latestEditSenderTimestampMs ?? msg.t) : null,
    // As in an answer to a request, so that a message that is reported in both ways is the same twice.
    reactions: msg.hasReaction || pair !== null ? null : [],
    votes: null,
    details: attempt(() => detailsOf(msg), null),
    // The name in our own messages is ours and not the customer's.
    contact: person(other, fromMe ? undefined : msg.notifyName),
    chatName: chatModel?.formattedTitle ?? chatModel?.name ?? null,
  };
}

/** Returns the text of a message of a type without a row shape of its own, unless the body is a thumbnail. */
function textOf(msg: MsgModel): string | null {
  const { body } = msg;
  return isOfOtherKind(msg) && typeof body === 'string' && !isThumbnail(body) ? body : null;
}

function titleOf(msg: MsgModel): unknown {
  switch (msg.type) {
    case 'vcard':
      return msg.vcardFormattedName ?? null;
    case 'poll_creation':
      return msg.pollName ?? null;
    case 'location':
      return msg.loc ?? null;
    default:
      return null;
  }
}

/** Stands for a message that cannot be converted, with enough to find it again. */
export interface Unreadable {
  type: 'unreadable';
  key: string;
  error: string;
}

/** Like {@link toEvent}, with reactions and votes, which need a look-up. */
export async function withReactions(msg: MsgModel): Promise<Message | Unreadable | null> {
  const message = toEvent(msg);
  if (message?.type === 'message' && pairing(msg) === null) {
    message.reactions = msg.hasReaction ? await reactionsOf(msg).catch(() => null) : [];
    message.votes = msg.type === 'poll_creation' ? await votesOf(msg).catch(() => null) : null;
  }
  return message;
}

async function votesOf(msg: MsgModel): Promise<Vote[]> {
  const { votes } = await WPP.chat.getVotes(keyText(msg.id));
  return votes.map((vote) => ({
    options: chosen(vote.selectedOptions, msg),
    voter: reactor(vote.sender),
    t: vote.timestamp,
  }));
}

async function reactionsOf(msg: MsgModel): Promise<Message['reactions']> {
  const { reactions } = await WPP.chat.getReactions(keyText(msg.id));
  return reactions.flatMap(({ senders }) =>
    senders.map((one) => {
      // The library's types have another name for this field than the library.
      const { sender = one.senderUserJid } = one as { sender?: unknown };
      return { emoji: one.reactionText, reactor: reactor(sender), t: one.timestamp };
    }),
  );
}

/** Whether it may have changed since it was written: edited, deleted, kept, with reactions or votes, or a live location. */
export function isRevised(msg: MsgModel): boolean {
  const changes = [msg.latestEditMsgKey, msg.hasReaction, msg.isLive, msg.kicState];
  return changes.some(Boolean) || ['revoked', 'poll_creation', 'live_location'].includes(msg.type ?? '');
}

/** Like {@link toMessage}; a message that cannot be converted is reported as unreadable, never dropped. */
export function toEvent(msg: MsgModel, isLate?: boolean): Message | Unreadable | null {
  try {
    return toMessage(msg, isLate);
  } catch (error) {
    return { type: 'unreadable', key: String(msg?.id), error: String(error).slice(0, 300) };
  }
}
