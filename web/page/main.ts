// The script that the server injects into WhatsApp Web, after the library. It queues events, rings the server's doorbell, and
// executes calls by name. It decides nothing, and writes nothing to the console.

import { avatar } from './avatars';
import { change } from './messages/changes';
import { chats, markRead, message, messages, newest, recording, resolve, revised, typing } from './chats';
import { fileInput } from './messages/files';
import { Groups } from './groups';
import { earlier } from './history';
import { Listeners } from './listen';
import { alive, logout, pairingCode, refreshQr, takeOver } from './session/login';
import { Downloads } from './messages/media';
import { bounded } from './oversized';
import { Pages } from './session/pages';
import { Queue } from './queue';
import { canQuote, chooseId, lookUp, send } from './messages/send';
import { Typing } from './typing';
import { myDigits, status, watchPasskeys } from './session/status';
import { describe, PageError } from './errors';

/** Names of the globals, chosen by the server. */
export interface Options {
  /** Name of the global object with the script's methods. */
  agent: string;
  /** Name of the global function that rings the doorbell; it appears with each connection of the server. */
  bell: string;
}

type Bell = (what: string) => void;

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Starts the script, once a page. */
export function start({ agent, bell }: Options): void {
  const scope = window as unknown as Record<string, unknown>;
  if (Object.hasOwn(scope, agent)) {
    return;
  }
  let ring: Bell | undefined;
  const takeBell = () => {
    // Moved off the window, where WhatsApp's own code could see it.
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
  const typings = new Typing(() => ringWith('e'));
  const listeners = new Listeners(groups, typings);
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

  // Long lists are returned in parts: one frame of the debugging protocol could not hold them.
  const calls: Record<string, (args: never) => unknown> = {
    status: () => {
      takeBell();
      listeners.check(queue, Date.now());
      return status(epoch, queue.overflowed + listeners.missed);
    },
    chats: async () => pages.open(await chats()),
    newest,
    relisten: () => listeners.relisten(queue),
    messages: async (args: { chat: string; count: number }) => {
      const all = await messages(args);
      if (all.length > 0) {
        groups.request(args.chat, false);
      }
      return pages.open(all);
    },
    revised: async (args: Parameters<typeof revised>[0]) => pages.open(await revised(args)),
    earlier: async (args: { chat: string; before: string | null; count: number }) => pages.open(await earlier(args)),
    more: (args: { token: number }) => pages.next(args.token),
    message: async (args: Parameters<typeof message>[0]) => bounded(await message(args)),
    openMedia: (query: Parameters<Downloads['open']>[0]) => downloads.open(query),
    sliceMedia: (slice: Parameters<Downloads['slice']>[0]) => downloads.slice(slice),
    closeMedia: (args: { token: number }) => downloads.close(args),
    avatar: (query: Parameters<typeof avatar>[0]) => avatar(query, downloads),
    resolve,
    chooseId,
    canQuote,
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
      /** Returns JSON text: `{"ok":…}` or `{"error":{code,message,certain}}`. */
      async call(name: string, args: unknown): Promise<string> {
        try {
          const call = calls[name];
          if (!call) {
            throw new PageError('unknown_call', `the page script has no function ${name}`);
          }
          return JSON.stringify({ ok: (await call(args as never)) ?? null });
        } catch (error) {
          return JSON.stringify({ error: describe(error) });
        }
      },
      fileInput,
      /** See {@link Queue.pull}; includes the number that is logged in, so that the server can refuse another one's events, and who
       * types. */
      pull(ofEpoch: string | null, acked: number, max: number): string {
        const me = typeof WPP === 'undefined' ? null : myDigits();
        const typing = JSON.stringify(typings.take());
        return `{"me":${JSON.stringify(me)},"pulled":${queue.pull(ofEpoch, acked, max)},"typing":${typing}}`;
      },
    },
  });
}
