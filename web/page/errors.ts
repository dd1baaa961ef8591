// Errors for the server. They never contain a message's text or a phone number.

/** An error with a code that the server decides by. `certain`: certainly nothing was done. */
export class PageError extends Error {
  readonly code: string;
  readonly certain: boolean;

  constructor(code: string, message: string, certain = true) {
    super(message);
    this.code = code;
    this.certain = certain;
  }
}

/** Returns the code that the library gave an error, if it has one. */
export function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : null;
}

/** Converts an error for the server. Long digits may be phone numbers and are removed. */
export function describe(error: unknown): { code: string; message: string; certain: boolean } {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    code: codeOf(error) ?? 'unexpected',
    message: (error instanceof PageError ? error.message : text).replace(/\d{5,}/g, '…').slice(0, 300),
    certain: error instanceof PageError && error.certain,
  };
}

/** Returns the value, or `otherwise` if getting it throws: modules of the page come and go with its versions. */
export function attempt<T>(get: () => T, otherwise: T): T {
  try {
    return get();
  } catch {
    return otherwise;
  }
}

/** Returns the value, or `otherwise` if it fails or takes longer than `milliseconds`. */
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
