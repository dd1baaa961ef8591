// Who is who: a person has a phone number, a LID, or both, and each chat goes by one of them.

import { attempt } from './trouble';

type Wid = InstanceType<typeof WPP.whatsapp.Wid>;

/** A person by all the names that the page knows without asking the server. */
export interface Person {
  /** `…@c.us` and `…@lid`. */
  ids: string[];
  /** From the owner's address book. */
  savedName: string | null;
  /** As the person calls themself. */
  pushName: string | null;
  /** Without `@`; WhatsApp shows it in place of a number that is hidden. */
  username: string | null;
}

/** An id of a person or chat as text, without the device (`1:23@c.us`). */
export function idText(wid: unknown): string {
  return String(wid).replace(/:\d+@/, '@');
}

/** The other id of the same person (LID or number), if the page knows it. */
function counterpart(wid: Wid): Wid | undefined {
  const { lidPnCache } = WPP.whatsapp;
  return attempt(
    () => (String(wid).endsWith('@lid') ? lidPnCache.getPhoneNumber(wid) : lidPnCache.getCurrentLid(wid)),
    undefined,
  );
}

/** The chat's id and its other forms: after a chat has moved from number to LID only one of them is a chat. */
export function forms(chat: string): string[] {
  if (!chat.endsWith('@c.us') && !chat.endsWith('@lid')) {
    return [chat];
  }
  const wid = attempt(() => WPP.util.createWid(chat), undefined);
  const other = wid && counterpart(wid);
  return other ? [chat, idText(other)] : [chat];
}

/** The first of the chat's forms that is a chat of the page. */
export function existing(chat: string): string | null {
  return forms(chat).find((form) => attempt(() => WPP.chat.get(form), undefined)) ?? null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** `pushName`: as a message of theirs told it, where there is one. */
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

/** Whose emoji it is. */
export interface Reactor {
  fromMe: boolean;
  sender: string;
  contact: Person;
}

/** Both our ids, number and LID. */
export function isMe(id: string): boolean {
  const mine = [() => WPP.conn.getMyUserId(), () => WPP.conn.getMyUserWid(), () => WPP.conn.getMyUserLid()];
  return mine.some((get) => attempt(() => idText(get()), null) === id);
}

export function reactor(wid: unknown): Reactor {
  const sender = idText(wid);
  return { fromMe: isMe(sender), sender, contact: person(sender) };
}
