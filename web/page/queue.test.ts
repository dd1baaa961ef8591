import { describe, expect, it, vi } from 'vitest';
import { MAX_PULL_CHARS, MAX_PULL_EVENTS, MAX_WAITING_EVENTS, Queue } from './queue';

interface Answer {
  epoch: string;
  seq: number;
  events: unknown[];
}

function pull(queue: Queue, epoch: string | null, acked: number, max = MAX_PULL_EVENTS): Answer {
  return JSON.parse(queue.pull(epoch, acked, max)) as Answer;
}

function filled(events: number): Queue {
  const queue = new Queue('a', () => {});
  for (let i = 1; i <= events; i++) {
    queue.push(i);
  }
  return queue;
}

describe('an event', () => {
  it('comes again until it is acked', () => {
    const queue = filled(2);
    expect(pull(queue, null, 0)).toEqual({ epoch: 'a', seq: 2, events: [1, 2] });
    expect(pull(queue, 'a', 0).events).toEqual([1, 2]);
    expect(pull(queue, 'a', 1).events).toEqual([2]);
    expect(pull(queue, 'a', 2)).toEqual({ epoch: 'a', seq: 2, events: [] });
  });

  // Rule 10
  it('is not forgotten by an ack of another epoch', () => {
    const queue = filled(2);
    expect(pull(queue, 'b', 2).events).toEqual([1, 2]);
    expect(pull(queue, null, 2).events).toEqual([1, 2]);
  });

  it('with a lone surrogate does not spoil the answer', () => {
    const queue = new Queue('a', () => {});
    queue.push({ text: '\ud800' });
    queue.push({ text: 'fine' });
    const text = queue.pull(null, 0, 10);
    expect(text.isWellFormed()).toBe(true);
    expect((JSON.parse(text) as Answer).events).toHaveLength(2);
  });

  it('that is larger than an answer is replaced by a note of it', () => {
    const queue = new Queue('a', () => {});
    queue.push({ text: 'x'.repeat(MAX_PULL_CHARS) });
    const text = queue.pull(null, 0, 10);
    expect(text.length).toBeLessThan(10_000);
    expect((JSON.parse(text) as Answer).events).toMatchObject([{ type: 'oversized' }]);
  });
});

// Rule 10
describe('an answer', () => {
  it('has at most 200 events', () => {
    const queue = filled(MAX_PULL_EVENTS + 1);
    expect(pull(queue, null, 0, 10_000).events).toHaveLength(MAX_PULL_EVENTS);
    expect(pull(queue, null, 0, 3)).toEqual({ epoch: 'a', seq: 3, events: [1, 2, 3] });
    expect(pull(queue, 'a', MAX_PULL_EVENTS).events).toEqual([MAX_PULL_EVENTS + 1]);
  });

  it('has at most 1 MiB', () => {
    const queue = new Queue('a', () => {});
    for (let i = 0; i < 5; i++) {
      queue.push('x'.repeat(MAX_PULL_CHARS / 2 - 100));
    }
    const first = queue.pull(null, 0, 200);
    expect(first.length).toBeLessThan(MAX_PULL_CHARS);
    expect(JSON.parse(first)).toMatchObject({ seq: 2 });
  });
});

describe('the queue', () => {
  // Rule 10
  it('is capped, and counts what found no room', () => {
    const queue = filled(MAX_WAITING_EVENTS + 7);
    expect(queue.overflowed).toBe(7);
    pull(queue, 'a', 10);
    queue.push('room again');
    expect(queue.overflowed).toBe(7);
  });

  it('is capped in size as well', () => {
    const queue = new Queue('a', () => {});
    for (let i = 0; i < 40; i++) {
      queue.push('x'.repeat(MAX_PULL_CHARS - 10));
    }
    expect(queue.overflowed).toBeGreaterThan(0);
  });

  it('rings once until it is pulled', () => {
    const ring = vi.fn();
    const queue = new Queue('a', ring);
    queue.push(1);
    queue.push(2);
    expect(ring).toHaveBeenCalledTimes(1);
    queue.pull(null, 0, 10);
    queue.push(3);
    expect(ring).toHaveBeenCalledTimes(2);
  });
});
