// Stands for what is too large to be passed on: one frame of the debugging protocol could not hold it, and its connection ends.

/** Maximum number of characters of JSON of one event or item. */
export const MAX_ITEM_CHARS = 1 << 20;
/** Number of characters kept of one that is too large. */
const HEAD_CHARS = 4096;

/** Stands for an event or item, with its beginning. */
export interface Oversized {
  type: 'oversized';
  chars: number;
  head: string;
}

/** Returns a note in place of what is too large; null if it is not. */
export function oversized(json: string): Oversized | null {
  return json.length > MAX_ITEM_CHARS ? { type: 'oversized', chars: json.length, head: json.slice(0, HEAD_CHARS) } : null;
}

/** Returns an item, or a note in its place. An item of the history keeps its position, from which the next call continues. */
export function bounded(item: unknown): unknown {
  const note = oversized(JSON.stringify(item ?? null));
  if (note === null) {
    return item;
  }
  const { mark, event } = item as { mark?: unknown; event?: unknown };
  return typeof mark === 'string' ? { mark, event: oversized(JSON.stringify(event)) ?? note } : note;
}
