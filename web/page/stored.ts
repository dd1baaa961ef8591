// Reads the messages of a chat from the page's storage. The library begins at the chat's last message, which it leaves out if that
// is not in memory, and leaves calls out; so the length of its answer does not say whether there are more.

import { keyText, type MsgModel } from './messages/messages';
import { attempt, codeOf, PageError } from './errors';

export type ChatModel = ReturnType<typeof WPP.whatsapp.ChatStore.getModelsArray>[number];
type MsgKey = InstanceType<typeof WPP.whatsapp.MsgKey>;

/** Maximum number of messages in memory from which the storage is read if it does not have the chat's last message. */
const MAX_ANCHORS = 5;

/** Returns the messages of a chat that are in the page's memory. */
export function inMemory(model: ChatModel): MsgModel[] {
  return attempt(() => model.msgs.getModelsArray().slice() as MsgModel[], []);
}

/** Returns about `count` messages before a key, oldest first; empty if there are none, or the storage does not have the key. */
export async function storedBefore(form: string, id: string, count: number): Promise<MsgModel[]> {
  const found = (await WPP.chat.getMessages(form, { count, direction: 'before', id })) as unknown as MsgModel[];
  return found.filter((msg) => keyText(msg.id) !== id);
}

/** Returns about `count` of a chat's newest messages, oldest first. Throws if the storage cannot be read from any message. */
export async function newestStored(form: string, model: ChatModel, count: number): Promise<MsgModel[]> {
  const stored = (await WPP.chat.getMessages(form, { count })) as unknown as MsgModel[];
  const last = attempt(() => model.lastReceivedKey ?? null, null);
  if (last !== null && !stored.some((msg) => keyText(msg.id) === keyText(last))) {
    const found = await findByKey(keyText(last));
    if (found !== null) {
      return [...stored, found];
    }
  }
  if (stored.length > 0) {
    return stored;
  }
  const anchors = inMemory(model).reverse().slice(0, MAX_ANCHORS);
  for (const anchor of anchors) {
    const older = await storedBefore(form, keyText(anchor.id), count);
    if (older.length > 0) {
      return older;
    }
  }
  if (last !== null && anchors.length === 0) {
    throw new PageError('no_anchor', 'the page does not have the last message of the chat, from which it is read');
  }
  return [];
}

/** Returns a message by its key; null if the page does not have it. */
async function findByKey(key: string): Promise<MsgModel | null> {
  try {
    return (await WPP.chat.getMessageById(key)) as MsgModel;
  } catch (error) {
    if (['msg_not_found', 'chat_not_found'].includes(codeOf(error) ?? '')) {
      return null;
    }
    throw error;
  }
}

/** Returns the last `count` calls before a key, since `since` in seconds. A version of the page without this list has none. */
export async function callsBefore(key: string | null, count: number, since: number): Promise<MsgModel[]> {
  const { MsgKey, MsgModel: Model, MsgStore, functions } = WPP.whatsapp;
  if (key === null || typeof attempt(() => functions.msgFindCallLog, undefined) !== 'function') {
    return [];
  }
  try {
    const anchor = (MsgKey as unknown as { fromString(text: string): MsgKey }).fromString(key);
    const answer: unknown = await functions.msgFindCallLog({ anchor, count });
    const listed = Array.isArray(answer) ? answer : (answer as { messages?: unknown } | null)?.messages;
    const raws = (Array.isArray(listed) ? listed : []) as MsgModel[];
    const isModel = (raw: unknown): boolean => raw instanceof Model;
    const models = raws.map((raw) => (isModel(raw) ? raw : (MsgStore.get(raw.id) ?? new Model(raw)))) as MsgModel[];
    return models.filter((msg) => (msg.t ?? 0) >= since);
  } catch {
    // The messages themselves matter more.
    return [];
  }
}

/** Whether a message is a call, which is in the library's list of calls only. */
export function isCall(msg: MsgModel): boolean {
  return msg.type === 'call_log';
}
