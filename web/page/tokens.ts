// Tokens of what the server fetches in parts: lists and files.

/** Factor between the first tokens of two loads: no load gives as many. */
const TOKENS_OF_LOAD = 2 ** 20;

/** Returns the number from which a load of the page counts its tokens. A token of another load is none of its own. */
export function firstToken(): number {
  const [load = 0] = crypto.getRandomValues(new Uint32Array(1));
  return load * TOKENS_OF_LOAD;
}
