// The page's events on their way to the server: kept until the server says that they are committed.
//
// Owns sequence numbers and bounds. Never looks into an event, and never gives one up without counting it.

/** Most events in one answer. */
export const MAX_PULL_EVENTS = 200;
/** Most characters of JSON in one answer; a lone larger event is replaced by a note of what it was. */
export const MAX_PULL_CHARS = 1 << 20;
/** Most events that wait; what comes then is counted, and found again by a resync. */
export const MAX_WAITING_EVENTS = 20_000;
/** Most characters of JSON that wait. */
export const MAX_WAITING_CHARS = 32 << 20;
/** How much of an event that is too large is kept. */
const OVERSIZED_HEAD_CHARS = 4096;

interface Waiting {
  seq: number;
  json: string;
}

export class Queue {
  readonly epoch: string;
  /** How many events found no room since the page was loaded. */
  overflowed = 0;
  private readonly ring: () => void;
  private waiting: Waiting[] = [];
  private chars = 0;
  private seq = 0;
  private rung = false;

  /** `ring` is called when there is something new to pull; once until the next pull. */
  constructor(epoch: string, ring: () => void) {
    this.epoch = epoch;
    this.ring = ring;
  }

  push(event: unknown): void {
    // JSON.stringify writes lone surrogates as escapes, so that no event can spoil the answer that carries it.
    let json = JSON.stringify(event);
    if (json.length > MAX_PULL_CHARS) {
      const head = json.slice(0, OVERSIZED_HEAD_CHARS);
      json = JSON.stringify({ type: 'oversized', chars: json.length, head });
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
   * Forgets the events up to `acked`, if they are of this epoch, and returns the next ones as JSON text:
   * `{"epoch":…,"seq":…,"events":[…]}` with the last event's number. The same events come again until they are acked.
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
    const gone = this.waiting.splice(0, keep < 0 ? this.waiting.length : keep);
    for (const event of gone) {
      this.chars -= event.json.length;
    }
  }
}
