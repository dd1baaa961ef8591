// Messages that the page cannot decrypt yet ("Waiting for this message"). They are reported as undecrypted after a while, so that
// nobody misses that somebody wrote, and as what they are once they are decrypted.

import type { MsgModel } from './messages';

/** Time that the page has to decrypt a message before it is reported as undecrypted, in milliseconds. */
export const DECRYPT_TIMEOUT = 30_000;
/** Maximum number of messages that are waited for; the oldest is dropped. */
const MAX_WAITING = 1000;

interface Waiting {
  msg: MsgModel;
  /** Time when it was first seen, in milliseconds. */
  since: number;
  reported: boolean;
}

/** The messages that are waited for. */
export class Undecrypted {
  private readonly waiting = new Map<string, Waiting>();

  /** Notes a message, if it is not decrypted; `now` is in milliseconds. */
  note(msg: MsgModel, now: number): void {
    const key = String(msg.id);
    if (msg.type !== 'ciphertext' || this.waiting.has(key)) {
      return;
    }
    this.waiting.set(key, { msg, since: now, reported: false });
    if (this.waiting.size > MAX_WAITING) {
      const [oldest] = this.waiting.keys();
      this.waiting.delete(oldest as string);
    }
  }

  /** Returns the messages whose time is over, each once. */
  overdue(now: number): MsgModel[] {
    const due: MsgModel[] = [];
    for (const [key, one] of this.waiting) {
      if (one.msg.type !== 'ciphertext') {
        this.waiting.delete(key);
      } else if (!one.reported && now - one.since >= DECRYPT_TIMEOUT) {
        one.reported = true;
        due.push(one.msg);
      }
    }
    return due;
  }
}
