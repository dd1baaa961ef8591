// Chats and their newest messages, for the resync; the chat of a number.

import { isConversation, isRevised, keyText, type Message, type MsgModel, toEvent, type Unreadable, withReactions } from './messages/messages';
import { type Kept, keepingOf } from './messages/changes';
import { reportedIdOf } from './messages/pairs';
import { existing, forms, idText, type Person, person } from './people';
import { callsBefore, type ChatModel, inMemory, newestStored, storedBefore } from './stored';
import { attempt, codeOf, PageError } from './errors';

/** Maximum number of messages requested of one chat. */
const MAX_REQUESTED = 50_000;

/** A chat of the list. */
export interface Chat {
  chat: string;
  contact: Person;
  name: unknown;
  unread: unknown;
  t: unknown;
  lastMessage: string | null;
}

/** Returns all chats with people, the most recent first. */
export async function chats(): Promise<Chat[]> {
  return latestFirst(await WPP.chat.list({ ignoreGroupMetadata: true })).map(summary);
}

/** Returns the most recent chats from the page's memory, without a request. */
export function newest({ count }: { count: number }): Chat[] {
  return latestFirst(WPP.whatsapp.ChatStore.getModelsArray()).slice(0, count).map(summary);
}

function latestFirst(models: ChatModel[]): ChatModel[] {
  return models.filter((model) => isConversation(idText(model.id))).sort((a, b) => (b.t ?? 0) - (a.t ?? 0));
}

function summary(model: ChatModel): Chat {
  return {
    chat: idText(model.id),
    contact: person(idText(model.id)),
    name: attempt<unknown>(() => model.formattedTitle ?? model.name, null) ?? null,
    unread: attempt<unknown>(() => model.unreadCount, 0) ?? 0,
    t: model.t ?? null,
    lastMessage: attempt(() => (model.lastReceivedKey ? reportedIdOf(model.lastReceivedKey) : null), null),
  };
}

/**
 * Returns the newest `count` messages, oldest first; fewer only if the chat has no more. The library starts at the last
 * *received* message; newer ones of our own are taken from the page's memory.
 */
export async function messages({ chat, count }: { chat: string; count: number }): Promise<(Message | Unreadable | Kept)[]> {
  const models = (await newestModels(chat, count)).slice(-count);
  return toEvents(models);
}

/** Returns the messages, each followed by whether people keep it, if somebody ever did. */
async function toEvents(models: MsgModel[]): Promise<(Message | Unreadable | Kept)[]> {
  const events = await Promise.all(
    models.map(async (msg) => [await withReactions(msg), attempt(() => keepingOf(msg), null)] as const),
  );
  return events.flat().filter((event) => event !== null);
}

/** Returns at least `count` of the newest messages, if the chat has as many. */
async function newestModels(chat: string, count: number): Promise<MsgModel[]> {
  const form = existing(chat);
  const model = form === null ? undefined : WPP.chat.get(form);
  if (form === null || !model) {
    throw new PageError('no_chat', 'the page has no such chat');
  }
  let stored = await newestStored(form, model, count);
  let isWhole = false;
  const shown = (all: MsgModel[]) => inOrder(all, inMemory(model)).filter((msg) => toEvent(msg) !== null);
  // Some stored entries are not messages. The chat has no more only if there is nothing before the oldest.
  while (!isWhole && shown(stored).length < count && stored.length <= MAX_REQUESTED) {
    const oldest = stored[0] ?? inMemory(model)[0];
    const older = oldest ? await storedBefore(form, keyText(oldest.id), count) : [];
    isWhole = older.length === 0;
    stored = [...older, ...stored];
  }
  const last = attempt(() => (model.lastReceivedKey ? keyText(model.lastReceivedKey) : null), null);
  const since = isWhole ? 0 : (stored[0]?.t ?? 0);
  const known = new Set(stored.map((msg) => keyText(msg.id)));
  const calls = (await callsBefore(last, count, since)).filter((call) => !known.has(keyText(call.id)));
  return shown([...stored, ...calls]);
}

/** Number of messages read at first, and the factor by which it grows until they are old enough. */
const REVISED_FIRST = 50;
const REVISED_GROWTH = 4;

/**
 * Returns those of the newest `count` messages, back to `since` (in seconds), that were changed after they were written: a
 * change that the page processes before the library listens makes no event.
 */
export async function revised({
  chat,
  since,
  count,
}: {
  chat: string;
  since: number;
  count: number;
}): Promise<(Message | Unreadable | Kept)[]> {
  for (let requested = Math.min(REVISED_FIRST, count); ; requested = Math.min(requested * REVISED_GROWTH, count)) {
    const models = (await newestModels(chat, requested)).slice(-requested);
    const [oldest] = models;
    if (requested >= count || models.length < requested || !oldest || (oldest.t ?? 0) < since) {
      return toEvents(models.filter((msg) => (msg.t ?? 0) >= since && isRevised(msg)));
    }
  }
}

/**
 * Merges stored messages with those in memory, sorted by time. `t` is in whole seconds; within one second stored messages come
 * first, in their order, then those only in memory. The order in memory is that in which the page met them, so an older message
 * that was edited may be late there. Exception: in the second in which the stored list begins, messages that are before its first
 * one in memory are older than it.
 */
export function inOrder<M extends Pick<MsgModel, 'id' | 't'>>(stored: M[], inMemory: M[]): M[] {
  const live = new Map(inMemory.map((msg) => [keyText(msg.id), msg]));
  const known = new Set(stored.map((msg) => keyText(msg.id)));
  const [oldest] = stored;
  const begin = oldest ? inMemory.findIndex((msg) => keyText(msg.id) === keyText(oldest.id)) : -1;
  const isOlder = (msg: M) => inMemory.indexOf(msg) < begin && (msg.t ?? 0) <= (oldest?.t ?? 0);
  const alone = inMemory.filter((msg) => !known.has(keyText(msg.id)));
  const older = new Set(alone.filter(isOlder));
  const shown = stored.map((msg) => live.get(keyText(msg.id)) ?? msg);
  return [...older, ...shown, ...alone.filter((msg) => !older.has(msg))].sort((a, b) => (a.t ?? 0) - (b.t ?? 0));
}

/** Returns one message; null if the page does not have it. */
export async function message(query: Query): Promise<Message | Unreadable | null> {
  const found = await findMessage(query);
  return found && withReactions(found);
}

/** Identifies a message. */
export interface Query {
  chat: string;
  id: string;
  fromMe: boolean;
  /** Its sender, in a group. */
  sender?: string | null;
}

/** Returns the keys under which the page may have a message: in a group they contain the sender, by number or LID. */
function keys(form: string, { id, fromMe, sender }: Query): string[] {
  const key = `${fromMe}_${form}_${id}`;
  if (!form.endsWith('@g.us')) {
    return [key];
  }
  const mine = [() => WPP.conn.getMyUserLid(), () => WPP.conn.getMyUserWid()];
  const writers = fromMe ? mine.map((get) => attempt(() => idText(get()), null)) : sender ? forms(sender) : [];
  return writers.filter((writer) => writer !== null).map((writer) => `${key}_${writer}`);
}

/** Whether the message is by one with these ids. True if nothing is known that says otherwise. */
function isBy(msg: MsgModel, writers: string[] | null): boolean {
  const author: unknown = attempt(() => msg.author ?? msg.id.participant ?? null, null);
  if (writers === null || author === null || writers.includes(idText(author))) {
    return true;
  }
  // A number and a LID that the page does not know to be two people may be one.
  return writers.length === 1 && idText(author).split('@')[1] !== writers[0]?.split('@')[1] && forms(idText(author)).length === 1;
}

/** Finds a message in memory or in the page's storage. */
export async function findMessage(query: Query): Promise<MsgModel | null> {
  const { chat, sender } = query;
  // Members of a group choose the ids of their messages and can copy another's (rule 12).
  const writers = chat.endsWith('@g.us') && !query.fromMe && sender ? forms(sender) : null;
  for (const form of forms(chat)) {
    const model = WPP.chat.get(form);
    const shown = model?.msgs
      .getModelsArray()
      .find((msg) => msg.id.id === query.id && msg.id.fromMe === query.fromMe && isBy(msg, writers));
    if (shown) {
      return shown;
    }
    for (const key of keys(form, query)) {
      try {
        return await WPP.chat.getMessageById(key);
      } catch (error) {
        if (!['msg_not_found', 'chat_not_found'].includes(codeOf(error) ?? '')) {
          throw error;
        }
      }
    }
  }
  return null;
}

/** A chat with its contact. */
export interface Resolved {
  chat: string;
  contact: Person;
}

/**
 * Returns the chat of a chat id or number (`…@c.us`); null if the number is not on WhatsApp. With `ask`, the server says whose the
 * number is, even if the page knows a chat of it: numbers pass from one person to another.
 */
export async function resolve({ id, ask }: { id: string; ask?: boolean }): Promise<Resolved | null> {
  const known = existing(id);
  if (known !== null && !(ask && id.endsWith('@c.us'))) {
    return { chat: known, contact: person(known) };
  }
  let wid: unknown = id;
  let own: string | null = null;
  if (id.endsWith('@c.us')) {
    const found = await WPP.contact.queryExists(id);
    if (!found && !(await isOnServer(id))) {
      return null;
    }
    // The server may know the person by another form of the number, and says by which.
    wid = found?.wid ?? id;
    own = idText(wid);
  }
  const chat = existing(idText(wid)) ?? idText((await WPP.chat.find(idText(wid))).id);
  const contact = person(chat);
  if (own !== null && !contact.ids.includes(own)) {
    contact.ids.push(own);
  }
  return { chat, contact };
}

/** Asks the server whether a number exists. The library reports an error as "does not exist", which is not enough. */
async function isOnServer(id: string): Promise<boolean> {
  const wid = WPP.util.createWid(id);
  if (!wid) {
    throw new PageError('not_a_number', 'WhatsApp does not accept this as a phone number');
  }
  return Boolean(await WPP.whatsapp.functions.queryWidExists(wid));
}

/** Marks a chat as read. */
export async function markRead({ chat }: { chat: string }): Promise<null> {
  await WPP.chat.markIsRead(existing(chat) ?? chat);
  return null;
}

/** Shows or hides "typing…". */
export async function typing({ chat, on }: { chat: string; on: boolean }): Promise<null> {
  const form = existing(chat) ?? chat;
  await (on ? WPP.chat.markIsComposing(form) : WPP.chat.markIsPaused(form));
  return null;
}

/** Shows or hides "recording…". */
export async function recording({ chat, on }: { chat: string; on: boolean }): Promise<null> {
  const form = existing(chat) ?? chat;
  await (on ? WPP.chat.markIsRecording(form) : WPP.chat.markIsPaused(form));
  return null;
}
