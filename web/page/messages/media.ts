// Media: description and download in slices. View-once media are neither described nor downloaded.

import { findMessage, type Query } from '../chats';
import { isThumbnail } from './details';
import { keyText, type MsgModel } from './messages';
import { pairing } from './pairs';
import { attempt, codeOf, PageError } from '../errors';
import { firstToken } from '../tokens';

/** Maximum number of open downloads; the oldest is dropped. */
const MAX_OPEN = 8;
/** Maximum number of bars of a voice note's waveform. */
const MAX_BARS = 64;

/** Maximum length of a preview in base64; a longer one is left out. */
const MAX_PREVIEW_CHARS = 65_536;

/** Types of messages with a moving picture, of which WhatsApp sends a still one beforehand. */
const MOVING = new Set<unknown>(['video', 'ptv']);
/** Types of messages with a medium. */
const CARRIERS = new Set<unknown>(['image', 'video', 'ptv', 'audio', 'ptt', 'document', 'sticker']);
/** Stages of a download in which WhatsApp's servers no longer have the file and the phone was asked to upload it again. */
const GONE = /MISSING|NOT_FOUND|REUPLOAD|EXPIRED/;

/** Description of a medium. */
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
  /** Small still picture of a video in base64, which came with the message. */
  preview: string | null;
  /** Stanza id of the message that has the bytes, if it is not reported as a message of its own. */
  source: string | null;
  /** Whether it is in a better quality than the message's other medium. */
  better: boolean;
}

/** Whether it is view-once. */
export function isOnce(msg: MsgModel): boolean {
  return msg.isViewOnce === true || attempt(() => msg.mediaData?.isViewOnce === true, false);
}

/** Describes the medium of a message; null if it has none. */
export function medium(msg: MsgModel): Medium | null {
  if (!CARRIERS.has(msg.type) || isOnce(msg)) {
    return null;
  }
  // Some versions of the page keep these with the message, others with its medium.
  const field = (name: keyof MsgModel & keyof NonNullable<MsgModel['mediaData']>): unknown =>
    attempt<unknown>(() => msg[name], null) ?? attempt<unknown>(() => msg.mediaData?.[name], null) ?? null;
  const pair = pairing(msg);
  return {
    mimetype: field('mimetype'),
    size: field('size'),
    hash: field('filehash'),
    fileName: field('filename'),
    width: attempt<unknown>(() => msg.width ?? msg.mediaData?.fullWidth, null) ?? null,
    height: attempt<unknown>(() => msg.height ?? msg.mediaData?.fullHeight, null) ?? null,
    gif: field('isGif') === true,
    waveform: bars(attempt<unknown>(() => msg.waveform, null)),
    preview: MOVING.has(msg.type) ? preview(attempt<unknown>(() => msg.body, null)) : null,
    source: pair === null ? null : msg.id.id,
    better: pair?.better ?? false,
  };
}

/** Returns a body that is a thumbnail. */
function preview(body: unknown): string | null {
  return typeof body === 'string' && body.length <= MAX_PREVIEW_CHARS && isThumbnail(body) ? body : null;
}

/** Returns the bars of a waveform, which the page keeps in one of several forms. */
function bars(waveform: unknown): number[] | null {
  if (typeof waveform === 'string') {
    return attempt(() => Array.from(atob(waveform), (char) => char.charCodeAt(0)).slice(0, MAX_BARS), null);
  }
  if (waveform instanceof Uint8Array || Array.isArray(waveform)) {
    return Array.from(waveform as ArrayLike<unknown>, Number).slice(0, MAX_BARS);
  }
  return null;
}

/** An open download. */
export interface Opened {
  token: number;
  size: number;
}

/** Files that the server is downloading. */
export class Downloads {
  private readonly blobs = new Map<number, Blob>();
  private token = firstToken();

  /** Downloads the medium of a message, of at most `max` bytes. */
  async open(query: Query & { max: number }): Promise<Opened> {
    const msg = await findMessage(query);
    if (!msg) {
      throw new PageError('no_message', 'the page does not have this message');
    }
    if (isOnce(msg)) {
      throw new PageError('view_once', 'view-once media can be seen on the phone only');
    }
    return this.keep(await download(msg), query.max);
  }

  /** Keeps a file until the server has it. */
  keep(blob: Blob, max: number): Opened {
    if (blob.size > max) {
      throw new PageError('media_too_large', 'the file is larger than the configured maximum');
    }
    this.token += 1;
    this.blobs.set(this.token, blob);
    if (this.blobs.size > MAX_OPEN) {
      const [oldest] = this.blobs.keys();
      this.blobs.delete(oldest as number);
    }
    return { token: this.token, size: blob.size };
  }

  /** Returns a part of a file in base64. */
  async slice({ token, from, to }: { token: number; from: number; to: number }): Promise<string> {
    const blob = this.blobs.get(token);
    if (!blob) {
      throw new PageError('no_token', 'the page no longer has this file; it was reloaded or opened too many others');
    }
    return base64(blob.slice(from, to));
  }

  /** Drops a file. */
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
      throw new PageError('media_expired', 'the file is no longer on WhatsApp’s servers; open it on the phone once, then fetch it again');
    }
    throw error;
  }
}

/** Whether the file is gone from WhatsApp's servers. The library then asks the phone to upload it again. */
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
    // `data:…;base64,…`; an empty file has no comma.
    reader.onload = () => resolve(String(reader.result).split(',')[1] ?? '');
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
