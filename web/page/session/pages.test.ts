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
