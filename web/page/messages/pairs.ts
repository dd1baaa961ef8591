// Photos and videos that WhatsApp sends twice: first in standard quality, then again for devices that can show more. WhatsApp
// Web hides the second message and shows its file in place of the first one's, so both are reported as one message.

import { attempt } from '../errors';

/** The fields of a message that say to which it belongs; the library's types lack them. */
interface Associated {
  /** A word of WhatsApp Web's `MessageAssociationType`, or the protocol's number. */
  associationType?: unknown;
  parentMsgKey?: unknown;
}

/** A second upload. */
export interface Pairing {
  /** Stanza id of the first upload. */
  parent: string;
  /** Whether its quality is better, and not only its encoding another. */
  better: boolean;
}

/** Words of second uploads; an album's photos and a poll's belong to a message too, and are messages of their own. */
const SECOND_UPLOAD = /_DUAL_UPLOAD$/;
const BETTER = new Set<unknown>(['HD_IMAGE_DUAL_UPLOAD', 'HD_VIDEO_DUAL_UPLOAD']);
/** The words of the protocol's numbers. */
const WORDS = new Map<unknown, string>([
  [5, 'HD_VIDEO_DUAL_UPLOAD'],
  [10, 'HD_IMAGE_DUAL_UPLOAD'],
  [19, 'HEVC_VIDEO_DUAL_UPLOAD'],
]);

/** Says what a message is the second upload of; null for any other message. */
export function pairing(msg: object): Pairing | null {
  const { associationType, parentMsgKey } = msg as Associated;
  const word = WORDS.get(associationType) ?? associationType;
  if (typeof word !== 'string' || !SECOND_UPLOAD.test(word)) {
    return null;
  }
  const parent = stanzaId(parentMsgKey);
  return parent === null ? null : { parent, better: BETTER.has(word) };
}

/** Returns the stanza id in a key, which may be text: `false_CHAT_ID` or `false_CHAT_ID_SENDER`. */
function stanzaId(key: unknown): string | null {
  const id: unknown = attempt(() => (key as { id?: unknown } | null | undefined)?.id ?? null, null);
  const text = id ?? (typeof key === 'string' ? key.split('_')[2] : null);
  return typeof text === 'string' && text !== '' ? text : null;
}

/** Returns the stanza id under which a message is reported. */
export function reportedId(msg: object & { id: { id: string } }): string {
  return pairing(msg)?.parent ?? msg.id.id;
}

/** Returns the stanza id under which the message of a key is reported, if the page has it in memory. */
export function reportedIdOf(key: { id: string }): string {
  const msg = attempt(() => WPP.whatsapp.MsgStore.get(String(key)) as object | undefined, undefined);
  return (msg && pairing(msg)?.parent) ?? key.id;
}
