import { describe, expect, it } from 'vitest';
import { GapDetector } from './listen';

// Rule 16
describe('gap detector', () => {
  it('counts unreported message after timeout', () => {
    const gaps = new GapDetector();
    gaps.compare(['x'], 0);
    gaps.compare(['x'], 2999);
    expect(gaps.missed).toBe(0);
    gaps.compare(['x'], 3000);
    expect(gaps.missed).toBe(1);
    gaps.compare(['x'], 9000);
    expect(gaps.missed).toBe(1);
  });

  it('ignores messages reported before or after they show', () => {
    const gaps = new GapDetector();
    gaps.report('early');
    gaps.compare(['early', 'late'], 0);
    gaps.report('late');
    gaps.compare(['early', 'late'], 10_000);
    expect(gaps.missed).toBe(0);
  });
});
