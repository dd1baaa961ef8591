// What a message carries besides its text and its medium: a place, cards, a poll, who is called by name, whom it quotes. As the
// page has it; the server judges it. Never media, thumbnails or keys.

import type { MsgModel } from './messages';
import { isNotice, type Notice, notice } from './notices';
import { idText, person, type Person } from './people';
import { attempt } from './trouble';

export interface Details {
  forwarded: boolean;
  /** How long after it was written it disappears, in seconds. */
  expiresAfter: unknown;
  mentions: { id: string; contact: Person }[];
  location: Place | null;
  cards: { name: unknown; vcard: unknown }[];
  poll: { question: unknown; options: unknown[]; selectable: unknown } | null;
  /** What it quotes: for a quote of something that the server does not have. */
  quote: { text: unknown; kind: unknown; from: Person | null } | null;
  notice: Notice | null;
  /** Of a kind that the server does not know: what there is to it. */
  raw: Record<string, unknown> | null;
}

interface Place {
  lat: unknown;
  lng: unknown;
  /** Name and address, a line each. */
  text: unknown;
  live: boolean;
  /** How long it is shared live, in seconds. */
  shareDuration: unknown;
}

/** Most mentions, cards and options that are taken from one message. */
const MAX_LISTED = 1024;

/** Kinds that the server knows: of any other, what it is made of goes along. */
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

/** A text that may have been cut: the whole of it is never needed for a hint. */
const HINT_CHARS = 1000;

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
 * The names of the options that were chosen. The library gives an array with holes, by the options' places; its types
 * say numbers, it gives options.
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

function quote(msg: MsgModel): Details['quote'] {
  if (!msg.quotedStanzaID) {
    return null;
  }
  const quoted = attempt(() => msg.quotedMsg as { type?: unknown; body?: unknown; caption?: unknown } | undefined, undefined);
  const text = quoted?.type === 'chat' || quoted?.type === undefined ? quoted?.body : quoted.caption;
  const from = attempt(() => (msg.quotedParticipant ? idText(msg.quotedParticipant) : null), null);
  return {
    text: typeof text === 'string' ? text.slice(0, HINT_CHARS) : null,
    kind: quoted?.type ?? null,
    from: from === null ? null : person(from),
  };
}

/** Names of what is never told: keys, thumbnails, addresses of files. */
const SECRET = /key|secret|hash|thumb|jpeg|preview|sidecar|path|token|media|blob|waveform|^enc/i;
/** Most fields of one object, longest text in one, and how deep objects lie in each other. */
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
    const told = SECRET.test(name) ? undefined : attempt(() => plainValue(value, depth), undefined);
    if (told !== undefined) {
      plain[name] = told;
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
  // Ids and the like: as the page itself writes them.
  const text = String(value);
  return text.startsWith('[object') ? undefined : text.slice(0, MAX_FIELD_CHARS);
}
