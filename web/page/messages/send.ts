// Sending, and looking up the outcome. The server has chosen and stored the stanza id before. Nothing is sent under another id
// (rule 2), nor twice in one load of the page.

import { findMessage, type Query } from '../chats';
import { type Content, handOver } from './outgoing';
import { existing, forms, idText } from '../people';
import { isSynced, myDigits } from '../session/status';
import { attempt, codeOf, PageError } from '../errors';

/** Codes of refusals that come before the library passes anything to WhatsApp. */
const REFUSED_BEFORE = new Set<string | null>([
  'chat_not_found',
  'invalid_wid',
  'message_key_is_not_from_me',
  'message_key_remote_id_is_not_same_of_chat',
  'can_not_send_message_to_this_groupType',
  'file_too_large',
  'file_refused',
  'no_file',
]);

const handedOver = new Set<string>();

/** Throws if nothing may be sent. `me` holds the digits of the number that the account is bound to. */
export function mayWrite(me: string | null): void {
  const mine = WPP.isFullReady && WPP.conn.isAuthenticated() ? myDigits() : null;
  if (mine === null || String(WPP.conn.getStreamData().mode) !== 'MAIN') {
    throw new PageError('not_ready', 'the page is not ready or no phone is linked');
  }
  if (me !== null && me !== mine) {
    throw new PageError('wrong_number', 'another number is logged in than this account’s');
  }
}

function keyOf(chat: string, id: string): string {
  // In a group the key also contains our own id there.
  return chat.endsWith('@g.us') ? `true_${chat}_${id}_${idText(WPP.conn.getMyUserLid())}` : `true_${chat}_${id}`;
}

function inMemory(key: string): { ack: number } | null {
  const msg = attempt(() => WPP.whatsapp.MsgStore.get(key), undefined);
  return msg ? { ack: msg.ack ?? 0 } : null;
}

/** Returns a new stanza id for the chat. */
export async function chooseId({ chat }: { chat: string }): Promise<string> {
  const key = await WPP.chat.generateMessageID(existing(chat) ?? chat);
  return key.id;
}

/** A message to send. */
export interface Outgoing {
  chat: string;
  id: string;
  content: Content;
  quoted: { id: string; fromMe: boolean; sender: string | null } | null;
  me: string | null;
}

/** Sends a message under its stanza id. */
export async function send(out: Outgoing): Promise<{ ack: number; quoteLost: boolean }> {
  mayWrite(out.me);
  if (handedOver.has(out.id)) {
    throw new PageError('handed_over', 'this message was passed to the page before', false);
  }
  const model = await WPP.chat.find(existing(out.chat) ?? out.chat).catch((error: unknown) => {
    throw new PageError(codeOf(error) ?? 'no_chat', 'the page cannot open the chat');
  });
  const chat = idText(model.id);
  const key = keyOf(chat, out.id);
  const quotedMsg = out.quoted ? await quotable({ chat, ...out.quoted }) : null;
  const quoteLost = out.quoted !== null && quotedMsg === null;
  // Checked again: the page may have changed during the await. No await may follow before the id is noted as sent.
  mayWrite(out.me);
  handedOver.add(out.id);
  try {
    const sent = await handOver(chat, out.content, {
      messageId: key,
      ...(quotedMsg && { quotedMsg }),
      // The defaults would mark the chat as read, wait for the server, and guess mentions from the text.
      waitForAck: false,
      markIsRead: false,
      detectMentioned: false,
    });
    return { ack: inMemory(key)?.ack ?? sent.ack, quoteLost };
  } catch (error) {
    // The library may fail after it has passed the message on.
    const sent = inMemory(key);
    if (sent) {
      return { ...sent, quoteLost };
    }
    if (REFUSED_BEFORE.has(codeOf(error))) {
      handedOver.delete(out.id);
      throw new PageError(codeOf(error) ?? 'refused', 'the page refused the message');
    }
    throw error;
  }
}

/** Whether a message can be quoted in its chat. */
export async function canQuote(query: Query): Promise<boolean> {
  return (await quotable(query)) !== null;
}

/** Finds the message to quote; null sends the message without its quote rather than not at all. */
async function quotable(query: Query) {
  return findMessage(query).then(
    (msg) => (msg && attempt(() => WPP.whatsapp.functions.canReplyMsg(msg), false) ? msg : null),
    () => null,
  );
}

export type LookUp = { found: number } | { absent: null } | { unclear: string };

/** Looks up a message of ours (rule 3). Absent only if each existing form of the chat certainly does not have it. */
export async function lookUp({ chat, id }: { chat: string; id: string }): Promise<LookUp> {
  const ready = WPP.isFullReady && WPP.conn.isAuthenticated() && String(WPP.conn.getStreamData().mode) === 'MAIN';
  if (!ready || !isSynced()) {
    return { unclear: 'the page is not ready or still syncing' };
  }
  let isAbsent = false;
  for (const form of forms(chat)) {
    try {
      const msg = await WPP.chat.getMessageById(keyOf(form, id));
      // A file whose upload failed stays in the chat, to be sent again by hand.
      return { found: msg.isSendFailure === true ? -1 : (msg.ack ?? 0) };
    } catch (error) {
      const code = codeOf(error);
      if (code === 'msg_not_found') {
        isAbsent = true;
      } else if (code !== 'chat_not_found') {
        return { unclear: `the page could not search for the message: ${code ?? 'unexpected'}` };
      }
    }
  }
  return isAbsent ? { absent: null } : { unclear: 'the page has no such chat' };
}
