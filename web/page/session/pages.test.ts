import { expect, it } from 'vitest';
import { MAX_PAGE_CHARS, Pages } from './pages';

it('long list is returned in parts, complete and in order', () => {
  const items = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(MAX_PAGE_CHARS / 4));
  const pages = new Pages();
  const got: unknown[] = [];
  let page = pages.open(items);
  let count = 0;
  for (;;) {
    count += 1;
    expect(JSON.stringify(page.items).length).toBeLessThan(MAX_PAGE_CHARS + 100);
    got.push(...page.items);
    if (page.token === null) {
      break;
    }
    page = pages.next(page.token);
  }
  expect(got).toEqual(items);
  expect(count).toBeGreaterThan(2);
});

it('unknown token is refused', () => {
  const items = ['x', 'y'].map((letter) => letter.repeat(MAX_PAGE_CHARS - 10));
  const { token } = new Pages().open(items);
  // Those of another load are unknown, and so is one that was used.
  const other = new Pages();
  const mine = other.open(items).token as number;
  expect(mine).not.toBe(token);
  expect(() => other.next(token as number)).toThrowError(expect.objectContaining({ code: 'no_token' }));
  expect(other.next(mine).items).toHaveLength(1);
  expect(() => other.next(mine)).toThrowError(expect.objectContaining({ code: 'no_token' }));
});

it('huge item of list is replaced by note', () => {
  const huge = { type: 'message', body: 'x'.repeat(MAX_PAGE_CHARS) };
  const { items, token } = new Pages().open(['small', huge, { mark: 'false_1@lid_A', event: huge }]);
  expect(token).toBeNull();
  expect(items).toMatchObject(['small', { type: 'oversized' }, { mark: 'false_1@lid_A', event: { type: 'oversized' } }]);
  expect(JSON.stringify(items).length).toBeLessThan(20_000);
});
