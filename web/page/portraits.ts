// Pictures of people and groups: which one each shows, and its bytes, when it is another than the server has.

import { forms } from './people';
import { attempt, Trouble, within } from './trouble';
import type { Downloads, Opened } from './media';

/** Longest wait for a picture's address, and for the picture, in milliseconds. */
const ADDRESS_LIMIT = 5000;
const PICTURE_LIMIT = 15000;

export interface Portrait {
  /** Which picture it is; null: none is shown. */
  tag: string | null;
  /** Null: the server has this one. */
  opened: Opened | null;
}

/** `known`: the tag of the picture that the server has. */
export async function portrait(
  { chat, known, max }: { chat: string; known: string | null; max: number },
  downloads: Downloads,
): Promise<Portrait> {
  const address = await addressOf(chat);
  if (!address) {
    return { tag: null, opened: null };
  }
  // The rest of an address is a signature, which is another each time.
  const tag = attempt(() => new URL(address, location.href).pathname, address);
  if (tag === known) {
    return { tag, opened: null };
  }
  const answer = await fetch(address, { signal: AbortSignal.timeout(PICTURE_LIMIT) });
  if (!answer.ok) {
    throw new Trouble('no_picture', `the picture was answered with status ${answer.status}`);
  }
  return { tag, opened: downloads.keep(await answer.blob(), max) };
}

/** The address of a person's or a group's picture. A person who hides it from us, and one who has none, look the same. */
async function addressOf(chat: string): Promise<string | null> {
  let isKnown = true;
  for (const form of forms(chat)) {
    const address = await within<string | null | undefined | false>(WPP.contact.getProfilePictureUrl(form), ADDRESS_LIMIT, false);
    if (address) {
      return address;
    }
    isKnown &&= address !== false;
  }
  if (!isKnown) {
    throw new Trouble('no_picture', 'the page does not say which picture it is');
  }
  return null;
}
