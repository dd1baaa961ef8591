import { expect, test } from 'vitest';

import { inOrder } from './chats';

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
