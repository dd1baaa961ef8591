// The script that the server puts into WhatsApp Web, behind the library. It keeps what happens in a queue, rings the
// server's bell, and does what the server asks by name. It decides nothing, and writes nothing to the console.

import { change } from './changes';
import { chats, markRead, message, messages, newest, recording, resolve, revised, typing } from './chats';
import { fileInput } from './files';
import { Groups } from './groups';
import { earlier } from './history';
import { Listeners } from './listen';
import { alive, logout, pairingCode, refreshQr, takeOver } from './login';
import { Downloads } from './media';
import { Pages } from './pages';
import { portrait } from './portraits';
import { Queue } from './queue';
import { chooseId, lookUp, send } from './send';
import { myDigits, status, watchPasskeys } from './status';
import { describe, Trouble } from './trouble';

export interface Options {
  /** The global under which the server finds the script. */
  agent: string;
  /** The global function that rings the server's bell; it may come and go with the server's connection. */
  bell: string;
}

type Bell = (what: string) => void;

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function start({ agent, bell }: Options): void {
  const scope = window as unknown as Record<string, unknown>;
  if (Object.hasOwn(scope, agent)) {
    return;
  }
  let ring: Bell | undefined;
  const takeBell = () => {
    // Kept, and taken off the window: the page need not see it.
    if (typeof scope[bell] === 'function') {
      ring = scope[bell] as Bell;
      delete scope[bell];
    }
  };
  const ringWith = (what: string) => {
    takeBell();
    ring?.(what);
  };

  const epoch = randomId();
  const queue = new Queue(epoch, () => ringWith('e'));
  const groups = new Groups((group) => queue.push(group));
  const listeners = new Listeners(groups);
  const pages = new Pages();
  const downloads = new Downloads();
  takeBell();
  watchPasskeys();
  if (typeof WPP !== 'undefined') {
    listeners.start(
      queue,
      () => ringWith('s'),
      (reason) => ringWith(`l${reason ?? ''}`),
    );
  }

  // Some answers may be larger than one frame of the debugging protocol takes: the server gets them page by page.
  const calls: Record<string, (args: never) => unknown> = {
    status: () => {
      takeBell();
      listeners.check(Date.now());
      return status(epoch, queue.overflowed + listeners.unheard);
    },
    chats: async () => pages.open(await chats()),
    newest,
    relisten: () => listeners.relisten(queue),
    messages: async (args: { chat: string; count: number }) => {
      const all = await messages(args);
      if (all.length > 0) {
        groups.note(args.chat, false);
      }
      return pages.open(all);
    },
    revised: async (args: Parameters<typeof revised>[0]) => pages.open(await revised(args)),
    earlier: async (args: { chat: string; before: string | null; count: number }) => pages.open(await earlier(args)),
    more: (args: { token: number }) => pages.next(args.token),
    message,
    openMedia: (query: Parameters<Downloads['open']>[0]) => downloads.open(query),
    sliceMedia: (slice: Parameters<Downloads['slice']>[0]) => downloads.slice(slice),
    closeMedia: (args: { token: number }) => downloads.close(args),
    portrait: (query: Parameters<typeof portrait>[0]) => portrait(query, downloads),
    resolve,
    chooseId,
    send,
    change,
    lookUp,
    markRead,
    typing,
    recording,
    refreshQr,
    pairingCode,
    logout,
    takeOver,
    alive,
  };

  Object.defineProperty(scope, agent, {
    value: {
      /** Answers in JSON text: `{"ok":…}` or `{"error":{code,message,certain}}`. */
      async call(name: string, args: unknown): Promise<string> {
        try {
          const call = calls[name];
          if (!call) {
            throw new Trouble('unknown_call', `the page script has no call ${name}`);
          }
          return JSON.stringify({ ok: (await call(args as never)) ?? null });
        } catch (error) {
          return JSON.stringify({ error: describe(error) });
        }
      },
      fileInput,
      /** See {@link Queue.pull}; also says whose page it is, so that a wrong number's events are never taken. */
      pull(ofEpoch: string | null, acked: number, max: number): string {
        const me = typeof WPP === 'undefined' ? null : myDigits();
        return `{"me":${JSON.stringify(me)},"pulled":${queue.pull(ofEpoch, acked, max)}}`;
      },
    },
  });
}
