// Details of a message: location, contacts, poll, mentions, quote. Copied as the page has them, and validated by the server. Never
// media, thumbnails or keys.

import type { MsgModel } from './messages';
import { isNotice, type Notice, notice } from './notices';
import { idText, person, type Person } from '../people';
import { attempt } from '../errors';

/** Details of a message. */
export interface Details {
  forwarded: boolean;
  /** Timer of a disappearing message, in seconds. */
  expiresAfter: unknown;
  mentions: { id: string; contact: Person }[];
  location: Place | null;
  cards: { name: unknown; vcard: unknown }[];
  poll: { question: unknown; options: unknown[]; selectable: unknown } | null;
  /** The quoted message, in case the server does not have it. */
  quote: { text: unknown; kind: unknown; from: Person | null; isStatus: boolean } | null;
  notice: Notice | null;
  /** Plain fields of a message of an unknown type. */
  raw: Record<string, unknown> | null;
}

interface Place {
  lat: unknown;
  lng: unknown;
  /** Name and address, one line each. */
  text: unknown;
  live: boolean;
  /** Duration of a live location, in seconds. */
  shareDuration: unknown;
}

/** Maximum number of mentions, contacts and options of one message. */
const MAX_LISTED = 1024;

/** Types that the server knows; of any other the plain fields are reported. */
const KNOWN = new Set<unknown>([
  'chat',
  'hsm',
  'list_response',
  'buttons_response',
  'template_button_reply',
  'image',
  'video',
  'audio',
  'ptt',
  'ptv',
  'document',
  'sticker',
  'location',
  'live_location',
  'vcard',
  'multi_vcard',
  'poll_creation',
  'revoked',
  'ciphertext',
]);

/** Maximum length of a quoted text, in characters. */
const MAX_QUOTE_CHARS = 1000;

/** Returns the details of a message. */
export function detailsOf(msg: MsgModel): Details {
  const list = <T>(get: () => T[] | undefined | null): T[] => {
    const all = attempt(get, null);
    return Array.isArray(all) ? all.slice(0, MAX_LISTED) : [];
  };
  return {
    forwarded: msg.isForwarded === true || Number(msg.forwardingScore ?? 0) > 0,
    expiresAfter: msg.ephemeralDuration ?? null,
    mentions: list(() => msg.mentionedJidList).map((wid) => {
      const id = idText(wid);
      return { id, contact: person(id) };
    }),
    location: place(msg),
    cards: cards(msg, list),
    poll:
      msg.type === 'poll_creation'
        ? {
            question: msg.pollName ?? null,
            options: list<unknown>(() => msg.pollOptions as unknown[]).map((option) => optionName(option)),
            selectable: msg.pollSelectableOptionsCount ?? 0,
          }
        : null,
    quote: quote(msg),
    notice: isNotice(msg) ? notice(msg) : null,
    raw: KNOWN.has(msg.type) || isNotice(msg) ? null : raw(msg),
  };
}

function place(msg: MsgModel): Place | null {
  if (msg.type !== 'location' && msg.type !== 'live_location') {
    return null;
  }
  return {
    lat: msg.lat ?? null,
    lng: msg.lng ?? null,
    text: msg.loc ?? null,
    live: msg.isLive === true || msg.type === 'live_location',
    shareDuration: msg.shareDuration ?? null,
  };
}

type List = <T>(get: () => T[] | undefined | null) => T[];

function cards(msg: MsgModel, list: List): Details['cards'] {
  if (msg.type === 'vcard') {
    return [{ name: msg.vcardFormattedName ?? null, vcard: msg.body ?? null }];
  }
  if (msg.type === 'multi_vcard') {
    const several = list(() => msg.vcardList as { displayName?: unknown; vcard?: unknown }[]);
    return several.map((card) => ({ name: card?.displayName ?? null, vcard: card?.vcard ?? null }));
  }
  return [];
}

function optionName(option: unknown): unknown {
  return (option as { name?: unknown } | null)?.name ?? option;
}

/**
 * Returns the names of the chosen options. The library returns an array with holes at the places of other options. Its types
 * say that the items are numbers, but they are options.
 */
export function chosen(selected: unknown, poll: MsgModel | null): unknown[] {
  if (!Array.isArray(selected)) {
    return [];
  }
  const options = attempt(() => poll?.pollOptions as unknown[], undefined) ?? [];
  return selected
    .filter((option) => option !== undefined && option !== null)
    .map((option) => (typeof option === 'number' ? optionName(options[option]) : optionName(option)));
}

/** Fields of a quoted message that say what it was about. */
type Quoted = Partial<Record<'type' | 'body' | 'caption' | 'title' | 'orderTitle' | 'pollName' | 'filename', unknown>>;

/** Chat in which everybody's statuses are. */
const STATUS_CHAT = 'status@broadcast';

function quote(msg: MsgModel): Details['quote'] {
  if (!msg.quotedStanzaID) {
    return null;
  }
  const quoted = attempt(() => msg.quotedMsg as Quoted | undefined, undefined);
  const isText = quoted?.type === 'chat' || quoted?.type === undefined;
  // The body of any other kind is a thumbnail, or the bytes of a card.
  const words = isText ? [quoted?.body] : [quoted.caption, quoted.title, quoted.orderTitle, quoted.pollName, quoted.filename];
  const text = words.find((word) => typeof word === 'string' && word !== '');
  const chat = attempt(() => (msg.quotedRemoteJid ? idText(msg.quotedRemoteJid) : null), null);
  const from = attempt(() => (msg.quotedParticipant ? idText(msg.quotedParticipant) : null), null);
  return {
    text: typeof text === 'string' ? text.slice(0, MAX_QUOTE_CHARS) : null,
    kind: quoted?.type ?? null,
    from: from === null ? null : person(from),
    isStatus: chat === STATUS_CHAT,
  };
}

/** Names of fields that are never reported: keys, thumbnails, addresses of files. */
const SECRET = /key|secret|hash|thumb|jpeg|preview|sidecar|path|token|media|blob|waveform|^enc/i;
/** Maximum number of fields of an object, length of a text, and depth of objects. */
const MAX_FIELDS = 40;
const MAX_FIELD_CHARS = 500;
const MAX_DEPTH = 2;

function raw(msg: MsgModel): Record<string, unknown> {
  const attributes = attempt(() => (msg as unknown as { attributes?: object }).attributes, undefined) ?? msg;
  return fields(attributes, 0);
}

function fields(of: object, depth: number): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(of)) {
    if (Object.keys(plain).length >= MAX_FIELDS) {
      break;
    }
    const copy = SECRET.test(name) ? undefined : attempt(() => plainValue(value, depth), undefined);
    if (copy !== undefined) {
      plain[name] = copy;
    }
  }
  return plain;
}

function plainValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return value.slice(0, MAX_FIELD_CHARS);
    case 'number':
      return Number.isFinite(value) ? value : undefined;
    case 'boolean':
      return value;
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return undefined;
  }
  if (Array.isArray(value)) {
    return depth < MAX_DEPTH ? value.slice(0, MAX_FIELDS).map((item) => plainValue(item, depth + 1) ?? null) : undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return depth < MAX_DEPTH ? fields(value, depth + 1) : undefined;
  }
  // Ids and the like, as the page writes them.
  const text = String(value);
  return text.startsWith('[object') ? undefined : text.slice(0, MAX_FIELD_CHARS);
}
