// Avatars (profile pictures) of people and groups: the tag of each, and its bytes if the server does not have them.

import { forms } from './people';
import { attempt, PageError, within } from './errors';
import type { Downloads, Opened } from './messages/media';

/** Deadlines for an avatar's address and for its download, in milliseconds. */
const ADDRESS_TIMEOUT = 5000;
const DOWNLOAD_TIMEOUT = 15000;

/** Answer to a request for an avatar. */
export interface Avatar {
  /** Identifies the picture; null if none is visible to us. */
  tag: string | null;
  /** The opened download; null if the server has this picture. */
  opened: Opened | null;
}

/** Opens the download of an avatar, unless its tag is `known`. */
export async function avatar(
  { chat, known, max }: { chat: string; known: string | null; max: number },
  downloads: Downloads,
): Promise<Avatar> {
  const address = await addressOf(chat);
  if (!address) {
    return { tag: null, opened: null };
  }
  // Only the path: the rest of the address is a signature that changes each time.
  const tag = attempt(() => new URL(address, location.href).pathname, address);
  if (tag === known) {
    return { tag, opened: null };
  }
  const answer = await fetch(address, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT) });
  if (!answer.ok) {
    throw new PageError('no_picture', `the download of the avatar failed with status ${answer.status}`);
  }
  return { tag, opened: downloads.keep(await answer.blob(), max) };
}

/** Returns the address of an avatar; null if there is none or it is hidden from us, which look the same. */
async function addressOf(chat: string): Promise<string | null> {
  let isKnown = true;
  for (const form of forms(chat)) {
    const address = await within<string | null | undefined | false>(WPP.contact.getProfilePictureUrl(form), ADDRESS_TIMEOUT, false);
    if (address) {
      return address;
    }
    isKnown &&= address !== false;
  }
  if (!isKnown) {
    throw new PageError('no_picture', 'the page does not know the address of the avatar');
  }
  return null;
}
