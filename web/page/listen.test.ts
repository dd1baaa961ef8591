import { describe, expect, it } from 'vitest';
import { Hearing } from './listen';

// rule 16
describe('hearing', () => {
  it('takes time before it counts a message that nobody told', () => {
    const hearing = new Hearing();
    hearing.compare(['x'], 0);
    hearing.compare(['x'], 2999);
    expect(hearing.unheard).toBe(0);
    hearing.compare(['x'], 3000);
    expect(hearing.unheard).toBe(1);
    hearing.compare(['x'], 9000);
    expect(hearing.unheard).toBe(1);
  });

  it('does not count what was told, early or late', () => {
    const hearing = new Hearing();
    hearing.note('early');
    hearing.compare(['early', 'late'], 0);
    hearing.note('late');
    hearing.compare(['early', 'late'], 10_000);
    expect(hearing.unheard).toBe(0);
  });
});
