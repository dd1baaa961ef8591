import { expect, test } from 'vitest';

import { inOrder } from './chats';

type Model = Parameters<typeof inOrder>[0][number];

const model = (id: string, t: number) => ({ id, t }) as unknown as Model;
const ids = (models: Model[]) => models.map((one) => String(one.id));

test('within a second the order is that of what is stored, whatever came into memory first', () => {
  const stored = [model('a', 1), model('b', 2), model('c', 2)];
  expect(ids(inOrder(stored, [model('c', 2), model('b', 2)]))).toEqual(['a', 'b', 'c']);
});

test('what is in memory alone is the newest of its second, and is taken as it is there', () => {
  const shown = model('b', 2);
  const ordered = inOrder([model('a', 1), model('b', 2)], [model('d', 2), shown, model('e', 1)]);
  expect(ids(ordered)).toEqual(['a', 'e', 'b', 'd']);
  expect(ordered).toContain(shown);
});

test('what is older than what is stored, in one and the same second, comes before it', () => {
  const all = [model('a', 1), model('b', 1), model('c', 1), model('d', 1)];
  expect(ids(inOrder(all.slice(2), all))).toEqual(['a', 'b', 'c', 'd']);
});
