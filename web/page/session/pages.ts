// Long lists, returned in parts of bounded size.

import { PageError } from '../errors';
import { bounded } from '../oversized';
import { firstToken } from '../tokens';

/** Maximum number of characters of JSON in a part; a larger item is replaced by a note with its beginning. */
export const MAX_PAGE_CHARS = 1 << 20;
/** Maximum number of lists that are not fetched to their end; the oldest is dropped. */
const MAX_OPEN = 8;

/** One part of a list. */
export interface Page {
  items: unknown[];
  /** Token for the next part; null at the end. */
  token: number | null;
}

/** The lists that the server is fetching. */
export class Pages {
  private readonly open_ = new Map<number, unknown[]>();
  private token = firstToken();

  /** Returns the first part of a list. */
  open(all: unknown[]): Page {
    return this.part(all.map(bounded));
  }

  private part(items: unknown[]): Page {
    let chars = 0;
    let end = 0;
    while (end < items.length) {
      chars += JSON.stringify(items[end]).length;
      if (chars > MAX_PAGE_CHARS && end > 0) {
        break;
      }
      end += 1;
    }
    if (end === items.length) {
      return { items, token: null };
    }
    this.token += 1;
    this.open_.set(this.token, items.slice(end));
    if (this.open_.size > MAX_OPEN) {
      const [oldest] = this.open_.keys();
      this.open_.delete(oldest as number);
    }
    return { items: items.slice(0, end), token: this.token };
  }

  /** Returns the next part. An unknown token is refused: an empty part would mean that the list is complete. */
  next(token: number): Page {
    const rest = this.open_.get(token);
    if (!rest) {
      throw new PageError('no_token', 'the page no longer has this list; it was reloaded or opened too many others');
    }
    this.open_.delete(token);
    return this.part(rest);
  }
}
