// A chat's past, page by page from the newest back, for the import of history.

import { inOrder } from './chats';
import { keyText, type Message, type MsgModel, toEvent, type Unreadable, withReactions } from './messages';
import { existing } from './people';
import { attempt, codeOf, Trouble } from './trouble';

/** Pages without a message of anybody that are passed over in one call: its answer has to come in time. */
const MAX_EMPTY_PAGES = 25;

export interface Past {
  /** Where it stands: what to ask on from. */
  mark: string;
  event: Message | Unreadable;
}

/**
 * About `count` messages that stand before `before`, or the newest ones; oldest first. Empty when there is nothing more.
 * The library starts at the last *received* one, so what is newer (our own) is taken from the page's memory as well.
 */
export async function earlier({
  chat,
  before,
  count,
}: {
  chat: string;
  before: string | null;
  count: number;
}): Promise<Past[]> {
  const form = existing(chat);
  const model = form === null ? undefined : WPP.chat.get(form);
  if (form === null || !model) {
    throw new Trouble('no_chat', 'the page has no such chat');
  }
  let from = before;
  for (let page = 0; page < MAX_EMPTY_PAGES; page += 1) {
    const options = from === null ? { count } : { count, direction: 'before' as const, id: from };
    const stored = (await WPP.chat.getMessages(form, options)) as unknown as MsgModel[];
    const inMemory = from === null ? attempt(() => model.msgs.getModelsArray().slice(), []) : [];
    const models = inOrder(stored, inMemory).filter((msg) => keyText(msg.id) !== from);
    const [oldest] = models;
    if (!oldest) {
      await isThere(from);
      return [];
    }
    const told = models.filter((msg) => toEvent(msg) !== null);
    if (told.length > 0) {
      return Promise.all(told.map(past)).then((all) => all.filter((one) => one !== null));
    }
    from = keyText(oldest.id);
  }
  return [];
}

async function past(msg: MsgModel): Promise<Past | null> {
  const event = await withReactions(msg);
  return event && { mark: keyText(msg.id), event };
}

/** Nothing before a place that is gone does not mean that there is nothing more. */
async function isThere(mark: string | null): Promise<void> {
  if (mark === null) {
    return;
  }
  try {
    await WPP.chat.getMessageById(mark);
  } catch (error) {
    if (['msg_not_found', 'chat_not_found'].includes(codeOf(error) ?? '')) {
      throw new Trouble('no_mark', 'the page does not know the place any more');
    }
    throw error;
  }
}
