// Details of a message: location, contacts, poll, mentions, quote. Copied as the page has them, and validated by the server. Never
// media, thumbnails or keys.

import type { MsgModel } from './messages';
import { isNotice, type Notice, notice } from './notices';
import { idText, person, type Person, type Reactor, reactor } from '../people';
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
  /** The advertisement by which the person came to write this. */
  ad: { title: unknown; url: unknown; sourceId: unknown } | null;
  /** Whether it is kept in the chat in spite of its timer. */
  kept: boolean;
  /** The admin who deleted somebody else's message. */
  deletedBy: Reactor | null;
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

/** Types of answers by a tap. */
const ANSWERS = new Set<unknown>(['hsm', 'list_response', 'buttons_response', 'template_button_reply']);

/** Number of characters from which a body of base64 alone is a thumbnail and no word. */
const MIN_THUMBNAIL_CHARS = 64;

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
    ad: ad(msg),
    kept: isKept(msg.kicState),
    deletedBy: deleter(msg),
    raw: isOfOtherKind(msg) ? raw(msg) : null,
  };
}

/** Whether the server has no row shape for this type, so that its fields are reported as they are. */
export function isOfOtherKind(msg: MsgModel): boolean {
  // An answer by a tap has its text in the body; where it has none, its fields tell what was tapped.
  const isAnswer = ANSWERS.has(msg.type) && !msg.body;
  return (!KNOWN.has(msg.type) || isAnswer) && !isNotice(msg);
}

/** Whether a body is a thumbnail: base64 of an image. */
export function isThumbnail(body: string): boolean {
  return /^(\/9j\/|iVBOR|UklGR|R0lGOD)/.test(body) || (body.length >= MIN_THUMBNAIL_CHARS && /^[A-Za-z0-9+/=\s]+$/.test(body) && !/\S\s\S/.test(body));
}

/** The state of a message that people keep; WhatsApp Web has it as a number and had it as a word. */
export function isKept(state: unknown): boolean {
  return state === 1 || /^(kept|keep_for_all)$/i.test(String(state ?? ''));
}

function ad(msg: MsgModel): Details['ad'] {
  const context = attempt(() => msg.ctwaContext, undefined);
  if (!context) {
    return null;
  }
  const url = context.sourceUrl ?? null;
  return { title: context.title ?? null, url, sourceId: context.sourceId ?? null };
}

/** Returns the admin who deleted a message, if it was not its author. */
function deleter(msg: MsgModel): Reactor | null {
  const by = msg.type === 'revoked' && msg.subtype === 'admin' ? (msg.revokeSender ?? null) : null;
  return by === null ? null : reactor(by);
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
/** Maximum size of the fields of one message, in characters of JSON; the largest are left out first. */
const MAX_RAW_CHARS = 64 << 10;
/** Maximum number of items of a list, and depth of objects: a list message has rows in sections in a list. */
const MAX_ITEMS = 256;
const MAX_DEPTH = 6;

function raw(msg: MsgModel): Record<string, unknown> {
  const attributes = attempt(() => (msg as unknown as { attributes?: object }).attributes, undefined) ?? msg;
  const all = fields(attributes, 0);
  const sizes = Object.entries(all).map(([name, value]) => ({ name, size: name.length + JSON.stringify(value).length }));
  sizes.sort((a, b) => a.size - b.size);
  let total = sizes.reduce((sum, { size }) => sum + size, 0);
  const leftOut: string[] = [];
  while (total > MAX_RAW_CHARS) {
    const largest = sizes.pop();
    if (!largest) {
      break;
    }
    delete all[largest.name];
    total -= largest.size;
    leftOut.push(largest.name);
  }
  return leftOut.length === 0 ? all : { ...all, left_out: leftOut };
}

function fields(of: object, depth: number): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(of)) {
    const isImage = name === 'body' && typeof value === 'string' && isThumbnail(value);
    const copy = SECRET.test(name) || isImage ? undefined : attempt(() => plainValue(value, depth), undefined);
    if (copy !== undefined) {
      plain[name] = copy;
    }
  }
  return plain;
}

function plainValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : undefined;
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return undefined;
  }
  // Buttons and the like are collections of models.
  const { getModelsArray, attributes } = value as { getModelsArray?: () => unknown[]; attributes?: unknown };
  const list = typeof getModelsArray === 'function' ? getModelsArray.call(value) : value;
  if (Array.isArray(list)) {
    return depth < MAX_DEPTH ? list.slice(0, MAX_ITEMS).map((item) => plainValue(item, depth + 1) ?? null) : undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return depth < MAX_DEPTH ? fields(value, depth + 1) : undefined;
  }
  // Ids and the like, as the page writes them.
  const text = String(value);
  if (!text.startsWith('[object')) {
    return text;
  }
  const isModel = typeof attributes === 'object' && attributes !== null;
  return isModel && depth < MAX_DEPTH ? fields(attributes, depth + 1) : undefined;
}
