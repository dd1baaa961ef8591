// The history of a chat, page by page from the newest message back, for the import.

import { inOrder } from './chats';
import { keyText, type Message, type MsgModel, toEvent, type Unreadable, withReactions } from './messages/messages';
import { existing } from './people';
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
    const options = from === null ? { count } : { count, direction: 'before' as const, id: from };
    const stored = (await WPP.chat.getMessages(form, options)) as unknown as MsgModel[];
    const inMemory = from === null ? attempt(() => model.msgs.getModelsArray().slice(), []) : [];
    const models = inOrder(stored, inMemory).filter((msg) => keyText(msg.id) !== from);
    const [oldest] = models;
    if (!oldest) {
      await requireMark(from);
      return [];
    }
    const shown = models.filter((msg) => toEvent(msg) !== null);
    if (shown.length > 0) {
      return Promise.all(shown.map(historyItem)).then((all) => all.filter((one) => one !== null));
    }
    from = keyText(oldest.id);
  }
  return [];
}

async function historyItem(msg: MsgModel): Promise<HistoryItem | null> {
  const event = await withReactions(msg);
  return event && { mark: keyText(msg.id), event };
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
