// Long lists, handed out in pages of bounded size.

/** Most characters of JSON in a page; a lone larger item makes a page of its own. */
export const MAX_PAGE_CHARS = 1 << 20;
/** Most lists that are half handed out; the oldest is forgotten. */
const MAX_OPEN = 8;

export interface Page {
  items: unknown[];
  /** To be asked for the rest with; null at the end. */
  token: number | null;
}

export class Pages {
  private readonly open_ = new Map<number, unknown[]>();
  private token = 0;

  open(items: unknown[]): Page {
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

  next(token: number): Page {
    const rest = this.open_.get(token) ?? [];
    this.open_.delete(token);
    return this.open(rest);
  }
}
