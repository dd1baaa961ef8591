// The queue of events for the server. An event stays until the server has acknowledged that it is committed.
//
// Owns sequence numbers and limits. Never looks into an event, and never drops one without counting it.

import { oversized } from './oversized';

/** Maximum number of events in one answer. */
export const MAX_PULL_EVENTS = 200;
/** Maximum number of characters of JSON in one answer; a larger event is replaced by a note with its beginning. */
export const MAX_PULL_CHARS = 1 << 20;
/** Maximum number of waiting events; later ones are counted, and a resync finds them. */
export const MAX_WAITING_EVENTS = 20_000;
/** Maximum number of waiting characters of JSON. */
export const MAX_WAITING_CHARS = 32 << 20;

interface Waiting {
  seq: number;
  json: string;
}

/** The queue of one load of the page, which is an epoch. */
export class Queue {
  readonly epoch: string;
  /** Number of events dropped because the queue was full. */
  overflowed = 0;
  private readonly ring: () => void;
  private waiting: Waiting[] = [];
  private chars = 0;
  private seq = 0;
  private rung = false;

  /** `ring` is called when there are new events; once until the next pull. */
  constructor(epoch: string, ring: () => void) {
    this.epoch = epoch;
    this.ring = ring;
  }

  /** Adds an event, or counts it if the queue is full. */
  push(event: unknown): void {
    // JSON.stringify escapes lone surrogates, so that no event can make the whole answer invalid.
    let json = JSON.stringify(event);
    const note = oversized(json);
    if (note !== null) {
      json = JSON.stringify(note);
    }
    if (this.waiting.length >= MAX_WAITING_EVENTS || this.chars + json.length > MAX_WAITING_CHARS) {
      this.overflowed += 1;
    } else {
      this.seq += 1;
      this.waiting.push({ seq: this.seq, json });
      this.chars += json.length;
    }
    if (!this.rung) {
      this.rung = true;
      this.ring();
    }
  }

  /**
   * Deletes the events up to `acked`, if `epoch` is this one, and returns the next ones as JSON text:
   * `{"epoch":…,"seq":…,"events":[…]}` with the number of the last event. Events are returned again until they are acked.
   */
  pull(epoch: string | null, acked: number, max: number): string {
    this.rung = false;
    if (epoch === this.epoch) {
      this.forget(acked);
    }
    const events: string[] = [];
    let chars = 0;
    let seq = acked;
    for (const event of this.waiting) {
      chars += event.json.length;
      if (events.length >= Math.min(max, MAX_PULL_EVENTS) || (chars > MAX_PULL_CHARS && events.length > 0)) {
        break;
      }
      events.push(event.json);
      seq = event.seq;
    }
    return `{"epoch":${JSON.stringify(this.epoch)},"seq":${seq},"events":[${events.join(',')}]}`;
  }

  private forget(acked: number): void {
    const keep = this.waiting.findIndex((event) => event.seq > acked);
    const deleted = this.waiting.splice(0, keep < 0 ? this.waiting.length : keep);
    for (const event of deleted) {
      this.chars -= event.json.length;
    }
  }
}
