// Chats and their history, for the resync; finding the chat of a number.

import { isConversation, isRevised, keyText, type Message, type MsgModel, toEvent, type Unreadable, withReactions } from './messages';
import { existing, forms, idText, type Person, person } from './people';
import { attempt, codeOf, Trouble } from './trouble';

/** Messages of one chat that are asked for at once, at the most. */
const MAX_ASKED = 50_000;

export interface Chat {
  chat: string;
  contact: Person;
  name: unknown;
  unread: unknown;
  t: unknown;
  lastMessage: string | null;
}

/** All conversations, the most recent first. */
export async function chats(): Promise<Chat[]> {
  return latestFirst(await WPP.chat.list({ ignoreGroupMetadata: true })).map(summary);
}

/** The most recent of them, from the page's memory alone. */
export function newest({ count }: { count: number }): Chat[] {
  return latestFirst(WPP.whatsapp.ChatStore.getModelsArray()).slice(0, count).map(summary);
}

type ChatModel = ReturnType<typeof WPP.whatsapp.ChatStore.getModelsArray>[number];

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
    lastMessage: attempt(() => model.lastReceivedKey?.id ?? null, null),
  };
}

/**
 * The newest `count` messages, oldest first; fewer only when the chat has no more. The library starts at the last
 * *received* one, so what is newer (our own) is taken from the page's memory as well.
 */
export async function messages({ chat, count }: { chat: string; count: number }): Promise<(Message | Unreadable)[]> {
  const models = (await newestModels(chat, count)).slice(-count);
  return told(models);
}

async function told(models: MsgModel[]): Promise<(Message | Unreadable)[]> {
  const events = await Promise.all(models.map(withReactions));
  return events.filter((event) => event !== null);
}

/** At least `count` of the newest messages, if the chat has as many. */
async function newestModels(chat: string, count: number): Promise<MsgModel[]> {
  const form = existing(chat);
  const model = form === null ? undefined : WPP.chat.get(form);
  if (form === null || !model) {
    throw new Trouble('no_chat', 'the page has no such chat');
  }
  // Some of what the page keeps is no message of anybody: then more has to be asked for.
  for (let asked = count; ; asked *= 2) {
    const stored = (await WPP.chat.getMessages(form, { count: asked })) as unknown as MsgModel[];
    const inMemory = attempt(() => model.msgs.getModelsArray().slice(), []);
    const models = inOrder(stored, inMemory).filter((msg) => toEvent(msg) !== null);
    if (models.length >= count || stored.length < asked || asked > MAX_ASKED) {
      return models;
    }
  }
}

/** How many messages are read back at first, and how much more each time, until they are old enough. */
const REVISED_FIRST = 50;
const REVISED_GROWTH = 4;

/**
 * Of the newest `count` messages, back to `since` (in seconds), those that were changed after they were written: a change that
 * the page takes in before the library listens makes no event.
 */
export async function revised({
  chat,
  since,
  count,
}: {
  chat: string;
  since: number;
  count: number;
}): Promise<(Message | Unreadable)[]> {
  for (let asked = Math.min(REVISED_FIRST, count); ; asked = Math.min(asked * REVISED_GROWTH, count)) {
    const models = (await newestModels(chat, asked)).slice(-asked);
    const [oldest] = models;
    if (asked >= count || models.length < asked || !oldest || (oldest.t ?? 0) < since) {
      return told(models.filter((msg) => (msg.t ?? 0) >= since && isRevised(msg)));
    }
  }
}

/**
 * By time; within a second (`t` has no more) in the order of what is stored, behind which is what is in memory alone. What is
 * in memory stands there in the order in which the page came across it: an older message whose text was changed comes late.
 * But in the second in which what is stored begins, memory has what is older than that as well, in front of it.
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

/** One message, or null when the page does not have it. */
export async function message(query: Query): Promise<Message | Unreadable | null> {
  const found = await findMessage(query);
  return found && withReactions(found);
}

export interface Query {
  chat: string;
  id: string;
  fromMe: boolean;
  /** In a group: who wrote it. */
  sender?: string | null;
}

/** The key under which the page may have a message: in a group it says who wrote it, by number or LID. */
function keys(form: string, { id, fromMe, sender }: Query): string[] {
  const key = `${fromMe}_${form}_${id}`;
  if (!form.endsWith('@g.us')) {
    return [key];
  }
  const mine = [() => WPP.conn.getMyUserLid(), () => WPP.conn.getMyUserWid()];
  const writers = fromMe ? mine.map((get) => attempt(() => idText(get()), null)) : sender ? forms(sender) : [];
  return writers.filter((writer) => writer !== null).map((writer) => `${key}_${writer}`);
}

export async function findMessage(query: Query): Promise<MsgModel | null> {
  for (const form of forms(query.chat)) {
    const model = WPP.chat.get(form);
    const seen = model?.msgs.getModelsArray().find((msg) => msg.id.id === query.id && msg.id.fromMe === query.fromMe);
    if (seen) {
      return seen;
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

export interface Resolved {
  chat: string;
  contact: Person;
}

/** The chat of a chat id or number (`…@c.us`), or null when the number is not on WhatsApp. */
export async function resolve({ id }: { id: string }): Promise<Resolved | null> {
  const known = existing(id);
  if (known !== null) {
    return { chat: known, contact: person(known) };
  }
  let wid: unknown = id;
  if (id.endsWith('@c.us')) {
    const found = await WPP.contact.queryExists(id);
    if (!found && !(await isOnServer(id))) {
      return null;
    }
    wid = found?.wid ?? id;
  }
  const model = await WPP.chat.find(idText(wid));
  const chat = idText(model.id);
  return { chat, contact: person(chat) };
}

/** The library takes an error for "does not exist": only the server's own answer counts. */
async function isOnServer(id: string): Promise<boolean> {
  const wid = WPP.util.createWid(id);
  if (!wid) {
    throw new Trouble('not_a_number', 'WhatsApp does not take this for a phone number');
  }
  return Boolean(await WPP.whatsapp.functions.queryWidExists(wid));
}

export async function markRead({ chat }: { chat: string }): Promise<null> {
  await WPP.chat.markIsRead(existing(chat) ?? chat);
  return null;
}

export async function typing({ chat, on }: { chat: string; on: boolean }): Promise<null> {
  const form = existing(chat) ?? chat;
  await (on ? WPP.chat.markIsComposing(form) : WPP.chat.markIsPaused(form));
  return null;
}

export async function recording({ chat, on }: { chat: string; on: boolean }): Promise<null> {
  const form = existing(chat) ?? chat;
  await (on ? WPP.chat.markIsRecording(form) : WPP.chat.markIsPaused(form));
  return null;
}
