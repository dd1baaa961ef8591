// Media: what a message tells of its own, and its bytes on their way to the server, a slice at a time. What may be looked at only
// once stays where it is: neither told nor fetched.

import { findMessage, type Query } from './chats';
import { keyText, type MsgModel } from './messages';
import { attempt, codeOf, Trouble } from './trouble';

/** Media that are half fetched, at the most; the oldest is forgotten. */
const MAX_OPEN = 8;
/** Bars of a voice note's waveform. */
const MAX_BARS = 64;

const CARRIERS = new Set<unknown>(['image', 'video', 'ptv', 'audio', 'ptt', 'document', 'sticker']);
/** Stages of a download that mean: WhatsApp's servers have it no more, the phone has been asked. */
const GONE = /MISSING|NOT_FOUND|REUPLOAD|EXPIRED/;

export interface Medium {
  mimetype: unknown;
  size: unknown;
  /** SHA-256 in base64. */
  hash: unknown;
  fileName: unknown;
  width: unknown;
  height: unknown;
  gif: boolean;
  waveform: number[] | null;
}

export function isOnce(msg: MsgModel): boolean {
  return msg.isViewOnce === true || attempt(() => msg.mediaData?.isViewOnce === true, false);
}

/** Null for what carries none. */
export function medium(msg: MsgModel): Medium | null {
  if (!CARRIERS.has(msg.type) || isOnce(msg)) {
    return null;
  }
  // Some versions keep these with the message, some with its medium.
  const told = (name: keyof MsgModel & keyof NonNullable<MsgModel['mediaData']>): unknown =>
    attempt<unknown>(() => msg[name], null) ?? attempt<unknown>(() => msg.mediaData?.[name], null) ?? null;
  return {
    mimetype: told('mimetype'),
    size: told('size'),
    hash: told('filehash'),
    fileName: told('filename'),
    width: attempt<unknown>(() => msg.width ?? msg.mediaData?.fullWidth, null) ?? null,
    height: attempt<unknown>(() => msg.height ?? msg.mediaData?.fullHeight, null) ?? null,
    gif: told('isGif') === true,
    waveform: bars(attempt<unknown>(() => msg.waveform, null)),
  };
}

/** Bytes, in whatever form the page has them. */
function bars(waveform: unknown): number[] | null {
  if (typeof waveform === 'string') {
    return attempt(() => Array.from(atob(waveform), (char) => char.charCodeAt(0)).slice(0, MAX_BARS), null);
  }
  if (waveform instanceof Uint8Array || Array.isArray(waveform)) {
    return Array.from(waveform as ArrayLike<unknown>, Number).slice(0, MAX_BARS);
  }
  return null;
}

export interface Opened {
  token: number;
  size: number;
}

/** Blobs that the server is fetching. */
export class Downloads {
  private readonly blobs = new Map<number, Blob>();
  private token = 0;

  async open(query: Query & { max: number }): Promise<Opened> {
    const msg = await findMessage(query);
    if (!msg) {
      throw new Trouble('no_message', 'the page does not have this message');
    }
    if (isOnce(msg)) {
      throw new Trouble('view_once', 'this may be looked at only once, on the phone');
    }
    return this.keep(await download(msg), query.max);
  }

  /** Holds bytes until the server has them. */
  keep(blob: Blob, max: number): Opened {
    if (blob.size > max) {
      throw new Trouble('media_too_large', 'there is more of it than is taken');
    }
    this.token += 1;
    this.blobs.set(this.token, blob);
    if (this.blobs.size > MAX_OPEN) {
      const [oldest] = this.blobs.keys();
      this.blobs.delete(oldest as number);
    }
    return { token: this.token, size: blob.size };
  }

  /** In base64. */
  async slice({ token, from, to }: { token: number; from: number; to: number }): Promise<string> {
    const blob = this.blobs.get(token);
    if (!blob) {
      throw new Trouble('no_token', 'the page has forgotten this medium');
    }
    return base64(blob.slice(from, to));
  }

  close({ token }: { token: number }): null {
    this.blobs.delete(token);
    return null;
  }
}

async function download(msg: MsgModel): Promise<Blob> {
  try {
    return await WPP.chat.downloadMedia(keyText(msg.id));
  } catch (error) {
    if (isGone(error, msg)) {
      throw new Trouble('media_expired', 'its download has expired');
    }
    throw error;
  }
}

/** The library asks the phone for it again by itself; until then it is gone. */
function isGone(error: unknown, msg: MsgModel): boolean {
  const stage = String(attempt<unknown>(() => msg.mediaData?.mediaStage, ''));
  if (/ERROR|REUPLOAD/.test(stage)) {
    return GONE.test(stage);
  }
  const { status, name } = (error ?? {}) as { status?: unknown; name?: unknown };
  return codeOf(error) === 'media_not_found' || status === 404 || status === 410 || /NotFound|Expired/.test(String(name));
}

function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    // `data:…;base64,…`; of nothing, nothing.
    reader.onload = () => resolve(String(reader.result).split(',')[1] ?? '');
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
