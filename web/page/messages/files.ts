// Outgoing files. The server attaches a file to an input of ours over the debugging protocol, so that no message carries its
// bytes; the browser reads it from the disk during the upload.

import { attempt, codeOf, PageError } from '../errors';

type FileOptions = Parameters<typeof WPP.chat.sendFileMessage>[2];
type SendOptions = NonNullable<Parameters<typeof WPP.chat.sendVCardContactMessage>[2]>;
type Sent = Awaited<ReturnType<typeof WPP.chat.sendFileMessage>>;

/** A file to send. */
export interface OutgoingFile {
  /** Name of its input: see {@link fileInput}. */
  input: string;
  as: 'image' | 'video' | 'gif' | 'audio' | 'voice' | 'document' | 'sticker';
  mimetype: string;
  filename: string | null;
  caption: string | null;
  mentions: string[];
}

/** Maximum number of open inputs; the oldest is dropped. */
const MAX_INPUTS = 8;

const inputs = new Map<string, HTMLInputElement>();

/** Creates an input for the server to attach a file to. It is in no document, so it is invisible. */
export function fileInput(name: string): HTMLInputElement {
  const input = document.createElement('input');
  input.type = 'file';
  inputs.delete(name);
  inputs.set(name, input);
  if (inputs.size > MAX_INPUTS) {
    const [oldest] = inputs.keys();
    inputs.delete(oldest as string);
  }
  return input;
}

/** Returns the file under its outgoing name and type, without reading it. */
function take(out: OutgoingFile): File {
  const file = inputs.get(out.input)?.files?.[0];
  inputs.delete(out.input);
  if (!file) {
    throw new PageError('no_file', 'no file was attached to the page');
  }
  return new File([file], out.filename ?? 'file', { type: out.mimetype, lastModified: file.lastModified });
}

/** Sends a file. */
export async function sendFile(chat: string, out: OutgoingFile, options: SendOptions): Promise<Sent> {
  const file = take(out);
  try {
    return await WPP.chat.sendFileMessage(chat, file, {
      ...options,
      ...kindOptions(out.as),
      mimetype: out.mimetype,
      filename: file.name,
      ...(out.caption !== null && { caption: out.caption }),
    });
  } catch (error) {
    // The library fails only before it has made a message of the file. (The caller checks whether there is one.)
    const code = codeOf(error) === 'file_too_large' ? 'file_too_large' : 'file_refused';
    throw new PageError(code, `the page cannot send this file: ${attempt(() => String(error).slice(0, 120), 'unexpected')}`);
  }
}

function kindOptions(as: OutgoingFile['as']): FileOptions {
  switch (as) {
    case 'gif':
      return { type: 'video', isGif: true };
    case 'voice':
      return { type: 'audio', isPtt: true, waveform: true };
    case 'audio':
      return { type: 'audio', isPtt: false };
    default:
      return { type: as };
  }
}
