// The history of a chat, page by page from the newest message back, for the import.

import { inOrder } from './chats';
import { keyText, type Message, type MsgModel, toEvent, type Unreadable, withReactions } from './messages/messages';
import { existing } from './people';
import { callsBefore, inMemory, isCall, newestStored, storedBefore } from './stored';
import { attempt, codeOf, PageError } from './errors';

/** Maximum number of pages without a message that one call skips, so that it answers in time. */
const MAX_EMPTY_PAGES = 25;

/** One message of the history. */
export interface HistoryItem {
  /** Its key, from which the next call continues. */
  mark: string;
  event: Message | Unreadable;
}

/**
 * Returns about `count` messages before `before`, or the newest ones; oldest first. Empty at the beginning of the chat.
 * The library starts at the last *received* message; newer ones of our own are taken from the page's memory.
 */
export async function earlier({
  chat,
  before,
  count,
}: {
  chat: string;
  before: string | null;
  count: number;
}): Promise<HistoryItem[]> {
  const form = existing(chat);
  const model = form === null ? undefined : WPP.chat.get(form);
  if (form === null || !model) {
    throw new PageError('no_chat', 'the page has no such chat');
  }
  let from = before;
  for (let page = 0; page < MAX_EMPTY_PAGES; page += 1) {
    const stored = from === null ? await newestStored(form, model, count) : await storedBefore(form, from, count);
    const last = attempt(() => (model.lastReceivedKey ? keyText(model.lastReceivedKey) : null), null);
    const known = new Set(stored.map((msg) => keyText(msg.id)));
    // Before the first message of the chat there may be calls too.
    const calls = await callsBefore(from ?? last, count, stored[0]?.t ?? 0);
    const all = [...stored, ...calls.filter((call) => !known.has(keyText(call.id)))];
    const models = inOrder(all, from === null ? inMemory(model) : []).filter((msg) => keyText(msg.id) !== from);
    const oldest = models.find((msg) => !isCall(msg)) ?? models[0];
    if (!oldest) {
      await requireMark(from);
      return [];
    }
    const shown = models.filter((msg) => toEvent(msg) !== null);
    if (shown.length > 0) {
      return historyItems(shown);
    }
    from = keyText(oldest.id);
  }
  return [];
}

/**
 * Returns the messages with their positions. That of a call is the next message's: the storage may not be readable from a call,
 * and a call that is read twice is stored once.
 */
async function historyItems(models: MsgModel[]): Promise<HistoryItem[]> {
  const items = models.map(async (msg, at) => {
    const event = await withReactions(msg);
    const next = models.slice(at).find((other) => !isCall(other)) ?? msg;
    return event && { mark: keyText(next.id), event };
  });
  return (await Promise.all(items)).filter((item) => item !== null);
}

/** Throws if the page no longer has the mark: then an empty page does not mean the beginning of the chat. */
async function requireMark(mark: string | null): Promise<void> {
  if (mark === null) {
    return;
  }
  try {
    await WPP.chat.getMessageById(mark);
  } catch (error) {
    if (['msg_not_found', 'chat_not_found'].includes(codeOf(error) ?? '')) {
      throw new PageError('no_mark', 'the page no longer has the message that the import stopped at');
    }
    throw error;
  }
}
