// Files on their way out. The server puts a file into an input of ours through the debugging connection, so that its bytes never
// pass through a message; the page reads it from the disk while it uploads it.

import { attempt, codeOf, Trouble } from './trouble';

type FileOptions = Parameters<typeof WPP.chat.sendFileMessage>[2];
type SendOptions = NonNullable<Parameters<typeof WPP.chat.sendVCardContactMessage>[2]>;
type Sent = Awaited<ReturnType<typeof WPP.chat.sendFileMessage>>;

export interface OutgoingFile {
  /** The input that has it: see {@link fileInput}. */
  input: string;
  as: 'image' | 'video' | 'gif' | 'audio' | 'voice' | 'document' | 'sticker';
  mimetype: string;
  filename: string | null;
  caption: string | null;
}

/** Inputs that wait for their files, at the most; the oldest is forgotten. */
const MAX_INPUTS = 8;

const inputs = new Map<string, HTMLInputElement>();

/** An input for the server to put a file into. It is in no document, so nobody sees it. */
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

/** The same bytes under the name and type that they go out with; nothing is read for it. */
function take(out: OutgoingFile): File {
  const file = inputs.get(out.input)?.files?.[0];
  inputs.delete(out.input);
  if (!file) {
    throw new Trouble('no_file', 'the page has not been given the file');
  }
  return new File([file], out.filename ?? 'file', { type: out.mimetype, lastModified: file.lastModified });
}

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
    // It fails while it looks at the file, or not at all: what it has made a message of it does not give up any more. The
    // caller looks whether there is one.
    const code = codeOf(error) === 'file_too_large' ? 'file_too_large' : 'file_refused';
    throw new Trouble(code, `the page cannot send this file: ${attempt(() => String(error).slice(0, 120), 'unexpected')}`);
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
