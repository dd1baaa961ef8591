// Identities of people: a person has a phone number, a LID, or both, and a chat is stored under one of them.

import { attempt } from './errors';

type Wid = InstanceType<typeof WPP.whatsapp.Wid>;

/** A person, with all ids and names that the page knows without a request. */
export interface Person {
  /** `…@c.us` and `…@lid`. */
  ids: string[];
  /** From the owner's address book. */
  savedName: string | null;
  /** From the person's own profile. */
  pushName: string | null;
  /** Without `@`; WhatsApp shows it in place of a hidden number. */
  username: string | null;
}

/** Returns an id as text, without the device (`1:23@c.us`). */
export function idText(wid: unknown): string {
  return String(wid).replace(/:\d+@/, '@');
}

/** Returns the other id of the same person (LID or number), if the page knows it. */
function counterpart(wid: Wid): Wid | undefined {
  const { lidPnCache } = WPP.whatsapp;
  return attempt(
    () => (String(wid).endsWith('@lid') ? lidPnCache.getPhoneNumber(wid) : lidPnCache.getCurrentLid(wid)),
    undefined,
  );
}

/** Returns the chat's id and its other form. After a chat has moved from number to LID, only one of them is a chat. */
export function forms(chat: string): string[] {
  if (!chat.endsWith('@c.us') && !chat.endsWith('@lid')) {
    return [chat];
  }
  const wid = attempt(() => WPP.util.createWid(chat), undefined);
  const other = wid && counterpart(wid);
  return other ? [chat, idText(other)] : [chat];
}

/** Returns the form of the chat's id under which the page has the chat. */
export function existing(chat: string): string | null {
  return forms(chat).find((form) => attempt(() => WPP.chat.get(form), undefined)) ?? null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Returns a person. `pushName` is the name in one of their messages, which is the newest. */
export function person(id: string, pushName?: unknown): Person {
  const ids = forms(id);
  const contacts = ids
    .map((form) => attempt(() => WPP.whatsapp.ContactStore.get(form), undefined))
    .filter((contact) => contact !== undefined && contact !== null);
  const first = (field: 'name' | 'pushname' | 'verifiedName' | 'username') =>
    contacts.map((contact) => text(attempt<unknown>(() => contact[field], null))).find((name) => name !== null) ?? null;
  return {
    ids,
    savedName: first('name'),
    pushName: text(pushName) ?? first('pushname') ?? first('verifiedName'),
    username: text(first('username')?.replace(/^@/, '')),
  };
}

/** Author of a reaction or vote. */
export interface Reactor {
  fromMe: boolean;
  sender: string;
  contact: Person;
}

/** Whether it is one of our own ids, number or LID. */
export function isMe(id: string): boolean {
  const mine = [() => WPP.conn.getMyUserId(), () => WPP.conn.getMyUserWid(), () => WPP.conn.getMyUserLid()];
  return mine.some((get) => attempt(() => idText(get()), null) === id);
}

/** Returns the author with this id. */
export function reactor(wid: unknown): Reactor {
  const sender = idText(wid);
  return { fromMe: isMe(sender), sender, contact: person(sender) };
}
