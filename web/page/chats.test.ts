import { afterEach, describe, expect, it, test, vi } from 'vitest';

import { inOrder, messages } from './chats';
import { earlier } from './history';

type Model = Parameters<typeof inOrder>[0][number];

const model = (id: string, t: number) => ({ id, t }) as unknown as Model;
const ids = (models: Model[]) => models.map((one) => String(one.id));

test('stored order wins within a second', () => {
  const stored = [model('a', 1), model('b', 2), model('c', 2)];
  expect(ids(inOrder(stored, [model('c', 2), model('b', 2)]))).toEqual(['a', 'b', 'c']);
});

test('message only in memory comes last in its second', () => {
  const shown = model('b', 2);
  const ordered = inOrder([model('a', 1), model('b', 2)], [model('d', 2), shown, model('e', 1)]);
  expect(ids(ordered)).toEqual(['a', 'e', 'b', 'd']);
  expect(ordered).toContain(shown);
});

test('older message of the same second comes first', () => {
  const all = [model('a', 1), model('b', 1), model('c', 1), model('d', 1)];
  expect(ids(inOrder(all.slice(2), all))).toEqual(['a', 'b', 'c', 'd']);
});

const CHAT = '447700900123@c.us';

/** A page whose storage has these messages of one chat, and whose memory has those of `shown`. */
function stub(stored: Stored[], shown: string[] = []): void {
  const keyed = stored.map((msg) => ({ ...msg, id: key(msg.name), ack: 1 }));
  const inMemory = keyed.filter((msg) => shown.includes(msg.name));
  const chat = { id: CHAT, lastReceivedKey: key(stored.at(-1)?.name ?? ''), msgs: { getModelsArray: () => inMemory } };
  const before = (id: string, count: number, isWanted: (type: string) => boolean) => {
    const end = keyed.findIndex((msg) => String(msg.id) === id);
    const older = keyed.slice(0, Math.max(0, end)).filter((msg) => isWanted(msg.type));
    return older.slice(Math.max(0, older.length - count));
  };
  vi.stubGlobal('WPP', {
    conn: {},
    util: { createWid: () => undefined },
    chat: {
      get: (id: string) => (id === CHAT ? chat : undefined),
      // As the library does: what is before the last message, and that one only if it is in memory. No calls.
      getMessages: async (_: string, { count, id }: { count: number; id?: string }) => {
        const noCall = (type: string) => type !== 'call_log';
        const anchor = id ?? String(chat.lastReceivedKey);
        const last = id ? [] : inMemory.filter((msg) => String(msg.id) === anchor);
        return [...before(anchor, id ? count : count - 1, noCall), ...last];
      },
      getMessageById: async (id: string) => {
        const found = keyed.find((msg) => String(msg.id) === id);
        if (!found) {
          throw Object.assign(new Error('not found'), { code: 'msg_not_found' });
        }
        return found;
      },
    },
    whatsapp: {
      ContactStore: { get: () => undefined },
      MsgStore: { get: () => undefined },
      MsgKey: { fromString: (text: string) => text },
      MsgModel: class {
        constructor(raw: object) {
          Object.assign(this, raw);
        }
      },
      functions: {
        msgFindCallLog: async ({ anchor, count }: { anchor: string; count: number }) =>
          before(anchor, count, (type) => type === 'call_log'),
      },
    },
  });
}

interface Stored {
  name: string;
  type: string;
  t: number;
}

function key(name: string) {
  return { id: name, fromMe: false, remote: CHAT, toString: () => `false_${CHAT}_${name}` };
}

const texts = (count: number): Stored[] =>
  Array.from({ length: count }, (_, n) => ({ name: `m${n + 1}`, type: 'chat', t: 1000 + n }));
const names = (events: object[]) => events.map((event) => (event as { id: string }).id);

describe('messages of a chat', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('are read whole though the newest is not in memory', async () => {
    stub(texts(60));
    const read = await messages({ chat: CHAT, count: 20 });
    expect(names(read)).toEqual(texts(60).slice(-20).map((msg) => msg.name));
  });

  it('are fewer only if the chat has no more', async () => {
    const notes = Array.from({ length: 30 }, (_, n) => ({ name: `note${n}`, type: 'protocol', t: 1010 + n }));
    stub([...texts(10), ...notes, { name: 'last', type: 'chat', t: 2000 }]);
    expect(names(await messages({ chat: CHAT, count: 8 }))).toEqual(['m4', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10', 'last']);
    expect(await messages({ chat: CHAT, count: 20 })).toHaveLength(11);
  });

  it('include missed calls', async () => {
    const missed = (name: string, t: number) => ({ name, type: 'call_log', t });
    stub([...texts(3), missed('c1', 1500), missed('c2', 1501), { name: 'last', type: 'chat', t: 2000 }]);
    expect(names(await messages({ chat: CHAT, count: 20 }))).toEqual(['m1', 'm2', 'm3', 'c1', 'c2', 'last']);
    expect(names(await messages({ chat: CHAT, count: 3 }))).toEqual(['c1', 'c2', 'last']);
  });

  it('are refused if the storage cannot be read', async () => {
    stub(texts(3));
    WPP.chat.getMessages = async () => [];
    WPP.chat.getMessageById = async () => {
      throw Object.assign(new Error('not found'), { code: 'msg_not_found' });
    };
    await expect(messages({ chat: CHAT, count: 20 })).rejects.toMatchObject({ code: 'no_anchor' });
  });
});

describe('history of a chat', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('has each message and call once, page by page', async () => {
    const calls = [
      { name: 'c0', type: 'call_log', t: 900 },
      { name: 'c1', type: 'call_log', t: 1002 },
    ];
    stub([calls[0]!, ...texts(3), calls[1]!, { name: 'm4', type: 'chat', t: 1003 }]);
    const read: string[] = [];
    let mark: string | null = null;
    for (let page = 0; page < 10; page += 1) {
      const items: Awaited<ReturnType<typeof earlier>> = await earlier({ chat: CHAT, before: mark, count: 2 });
      if (items.length === 0) {
        break;
      }
      read.unshift(...names(items.map((item) => item.event)));
      mark = items[0]!.mark;
    }
    expect(read).toEqual(['c0', 'm1', 'm2', 'm3', 'c1', 'm4']);
  });
});
