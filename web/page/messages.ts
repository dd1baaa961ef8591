// A message of the page as plain JSON. Takes from the model only what the server needs, never media or keys.

import { chosen, type Details, detailsOf } from './details';
import { isOnce, type Medium, medium } from './media';
import { isNotice } from './notices';
import { idText, type Person, person, type Reactor, reactor } from './people';
import { attempt } from './trouble';

/** With what the library's types leave out. */
export type MsgModel = InstanceType<typeof WPP.whatsapp.MsgModel> & {
  latestEditMsgKey?: unknown;
  latestEditSenderTimestampMs?: number;
  hasReaction?: boolean;
};
type MsgKey = InstanceType<typeof WPP.whatsapp.MsgKey>;

export interface Message {
  type: 'message';
  /** The stanza id. */
  id: string;
  chat: string;
  fromMe: boolean;
  /** Of a group's message: who wrote it. */
  sender: string | null;
  /** Whole seconds since 1970. */
  t: unknown;
  kind: unknown;
  ack: unknown;
  body: unknown;
  caption: unknown;
  quoted: unknown;
  /** Length of a voice note, audio or video. */
  seconds: unknown;
  fileName: unknown;
  /** What a contact, poll or place is called. */
  title: unknown;
  viewOnce: boolean;
  /** What it carries besides. */
  media: Medium | null;
  /** When its text was changed last: seconds or milliseconds since 1970, as the page happens to have it. */
  edited: unknown;
  /** Every reaction, where it was asked for. */
  reactions: { emoji: unknown; reactor: Reactor; t: unknown }[] | null;
  /** Of a poll: every vote, where it was asked for. */
  votes: Vote[] | null;
  details: Details | null;
  contact: Person;
  chatName: unknown;
}

/** Somebody's choice in a poll. */
export interface Vote {
  options: unknown[];
  voter: Reactor;
  t: unknown;
}

/** Not written by anybody, or not readable yet: a ciphertext is told again once it is decrypted. */
const NO_MESSAGES = new Set<unknown>([
  'ciphertext',
  'protocol',
  'notification',
  'e2e_notification',
  'broadcast_notification',
  'reaction',
  'reaction_enc',
  'poll_update',
  'poll_result_snapshot',
  'pinned_message',
  'keep_in_chat',
  'debug',
]);

/** Kinds whose `body` is what somebody wrote. In others it may be a thumbnail. */
const WRITTEN = new Set<unknown>(['chat', 'hsm', 'list_response', 'buttons_response', 'template_button_reply']);

/** Whether the chat is with people: not a status, a channel or a broadcast list. */
export function isConversation(chat: string): boolean {
  return /@(c\.us|lid|g\.us)$/.test(chat);
}

/** Statuses, channels, broadcast lists and the like are nothing for a desk. What is none of them either is told all the same. */
function isElsewhere(chat: string): boolean {
  return /@(broadcast|newsletter|call|bot)$/.test(chat);
}

/** Never `_serialized`: its place in the key differs between versions of the page. */
export function keyText(key: MsgKey): string {
  return String(key);
}

/** What may be looked at once, on the phone alone: the page gets no more than word of it. */
function isHiddenOnce(msg: MsgModel): boolean {
  return msg.type === 'ciphertext' && /view_once/.test(String(msg.subtype ?? ''));
}

/** The page's own ids, or null when it is nothing that people wrote to each other. */
export function toMessage(msg: MsgModel): Message | null {
  const chat = idText(msg.id.remote);
  if ((NO_MESSAGES.has(msg.type) && !isNotice(msg) && !isHiddenOnce(msg)) || isElsewhere(chat)) {
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
    id: msg.id.id,
    chat,
    fromMe,
    sender: author,
    t: msg.t,
    kind: msg.type,
    ack: msg.ack ?? 0,
    body: WRITTEN.has(msg.type) ? msg.body : null,
    caption: msg.caption ?? null,
    quoted: msg.quotedStanzaID ?? null,
    seconds: msg.duration ?? null,
    fileName: msg.filename ?? null,
    title: titleOf(msg),
    viewOnce: isOnce(msg) || isHiddenOnce(msg),
    media: medium(msg),
    edited: msg.latestEditMsgKey ? (msg.latestEditSenderTimestampMs ?? msg.t) : null,
    reactions: null,
    votes: null,
    details: attempt(() => detailsOf(msg), null),
    // Our own name is none of the customer's.
    contact: person(other, fromMe ? undefined : msg.notifyName),
    chatName: chatModel?.formattedTitle ?? chatModel?.name ?? null,
  };
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

/** What the server gets for a message that cannot be turned into plain JSON: enough to find it again. */
export interface Unreadable {
  type: 'unreadable';
  key: string;
  error: string;
}

/** As {@link toEvent}, with the reactions and votes, which the page has to look up. */
export async function withReactions(msg: MsgModel): Promise<Message | Unreadable | null> {
  const message = toEvent(msg);
  if (message?.type === 'message') {
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
      // The library's types have another name for it than the library.
      const { sender = one.senderUserJid } = one as { sender?: unknown };
      return { emoji: one.reactionText, reactor: reactor(sender), t: one.timestamp };
    }),
  );
}

/** Whether it may be other than when it was written: edited, deleted, reacted to, voted in, or a place that moves. */
export function isRevised(msg: MsgModel): boolean {
  const changes = [msg.latestEditMsgKey, msg.hasReaction, msg.isLive];
  return changes.some(Boolean) || ['revoked', 'poll_creation', 'live_location'].includes(msg.type ?? '');
}

/** As {@link toMessage}; a message that breaks it is told as such, never dropped. */
export function toEvent(msg: MsgModel): Message | Unreadable | null {
  try {
    return toMessage(msg);
  } catch (error) {
    return { type: 'unreadable', key: String(msg?.id), error: String(error).slice(0, 300) };
  }
}
