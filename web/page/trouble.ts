// What goes wrong, in words that the server can act on. Never carries a message's text, and no number of anybody.

/** `certain`: nothing has been done, and the server may rely on it. */
export class Trouble extends Error {
  readonly code: string;
  readonly certain: boolean;

  constructor(code: string, message: string, certain = true) {
    super(message);
    this.code = code;
    this.certain = certain;
  }
}

/** The code that the library gave an error, or nothing. */
export function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : null;
}

/** An error for the server. Long digits are numbers of people: they stay in the page. */
export function describe(error: unknown): { code: string; message: string; certain: boolean } {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    code: codeOf(error) ?? 'unexpected',
    message: (error instanceof Trouble ? error.message : text).replace(/\d{5,}/g, '…').slice(0, 300),
    certain: error instanceof Trouble && error.certain,
  };
}

/** The value, or `otherwise` when it cannot be had: the page's modules come and go with its versions. */
export function attempt<T>(get: () => T, otherwise: T): T {
  try {
    return get();
  } catch {
    return otherwise;
  }
}

/** The value, or `otherwise` when it does not come within `milliseconds`. */
export async function within<T>(value: Promise<T>, milliseconds: number, otherwise: T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), milliseconds);
  });
  try {
    return await Promise.race([value.catch(() => otherwise), late]);
  } finally {
    clearTimeout(timer);
  }
}
