// Sending, and finding out what became of it. The server has chosen and stored the stanza id before; here nothing is ever
// handed to the page under another one (rule 2), nor twice in one load of the page.

import { findMessage, type Query } from './chats';
import { type Content, handOver } from './outgoing';
import { existing, forms, idText } from './people';
import { isSynced, myDigits } from './status';
import { attempt, codeOf, Trouble } from './trouble';

/** What the library refuses before it hands anything to WhatsApp. */
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

/** Refuses while nothing may be sent. `me`: the digits of the number that the account is bound to. */
export function mayWrite(me: string | null): void {
  const mine = WPP.isFullReady && WPP.conn.isAuthenticated() ? myDigits() : null;
  if (mine === null || String(WPP.conn.getStreamData().mode) !== 'MAIN') {
    throw new Trouble('not_ready', 'the page is not logged in and ready');
  }
  if (me !== null && me !== mine) {
    throw new Trouble('wrong_number', 'another number than the account’s is logged in');
  }
}

function keyOf(chat: string, id: string): string {
  // A key of ours in a group also says who we are there.
  return chat.endsWith('@g.us') ? `true_${chat}_${id}_${idText(WPP.conn.getMyUserLid())}` : `true_${chat}_${id}`;
}

function inMemory(key: string): { ack: number } | null {
  const msg = attempt(() => WPP.whatsapp.MsgStore.get(key), undefined);
  return msg ? { ack: msg.ack ?? 0 } : null;
}

export async function chooseId({ chat }: { chat: string }): Promise<string> {
  const key = await WPP.chat.generateMessageID(existing(chat) ?? chat);
  return key.id;
}

export interface Outgoing {
  chat: string;
  id: string;
  content: Content;
  quoted: { id: string; fromMe: boolean; sender: string | null } | null;
  me: string | null;
}

export async function send(out: Outgoing): Promise<{ ack: number }> {
  mayWrite(out.me);
  if (handedOver.has(out.id)) {
    throw new Trouble('handed_over', 'the page has been given this message before', false);
  }
  const model = await WPP.chat.find(existing(out.chat) ?? out.chat).catch((error: unknown) => {
    throw new Trouble(codeOf(error) ?? 'no_chat', 'the page cannot open the chat');
  });
  const chat = idText(model.id);
  const key = keyOf(chat, out.id);
  const quotedMsg = out.quoted ? await quotable({ chat, ...out.quoted }) : null;
  // Once more: the page may have changed while it looked the chat up.
  mayWrite(out.me);
  handedOver.add(out.id);
  try {
    const sent = await handOver(chat, out.content, {
      messageId: key,
      ...(quotedMsg && { quotedMsg }),
      // The defaults mark the chat as read, wait for the server, and guess who is called by name.
      waitForAck: false,
      markIsRead: false,
      detectMentioned: false,
    });
    return { ack: inMemory(key)?.ack ?? sent.ack };
  } catch (error) {
    const taken = inMemory(key);
    if (taken) {
      return taken;
    }
    if (REFUSED_BEFORE.has(codeOf(error))) {
      handedOver.delete(out.id);
      throw new Trouble(codeOf(error) ?? 'refused', 'the page refused the message');
    }
    throw error;
  }
}

/** A message to be quoted; a text goes out without its quote rather than not at all. */
async function quotable(query: Query) {
  return findMessage(query).then(
    (msg) => (msg && attempt(() => WPP.whatsapp.functions.canReplyMsg(msg), false) ? msg : null),
    () => null,
  );
}

export type LookUp = { found: number } | { absent: null } | { unclear: string };

/** What became of our message (rule 3): absent only when every form of the chat that exists is sure of it. */
export async function lookUp({ chat, id }: { chat: string; id: string }): Promise<LookUp> {
  const ready = WPP.isFullReady && WPP.conn.isAuthenticated() && String(WPP.conn.getStreamData().mode) === 'MAIN';
  if (!ready || !isSynced()) {
    return { unclear: 'the page is not ready and synced' };
  }
  let sure = false;
  for (const form of forms(chat)) {
    try {
      const msg = await WPP.chat.getMessageById(keyOf(form, id));
      // A file whose upload was given up stays in the chat, to be sent again by hand.
      return { found: msg.isSendFailure === true ? -1 : (msg.ack ?? 0) };
    } catch (error) {
      const code = codeOf(error);
      if (code === 'msg_not_found') {
        sure = true;
      } else if (code !== 'chat_not_found') {
        return { unclear: `the page could not look: ${code ?? 'unexpected'}` };
      }
    }
  }
  return sure ? { absent: null } : { unclear: 'the page has no such chat' };
}
