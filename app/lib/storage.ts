/** What a browser remembers of a person's taste. Storage can be refused or full: then nothing is remembered. */
export function remembered<T>(key: string, otherwise: T): T {
  if (typeof window === 'undefined') return otherwise;
  try {
    const text = localStorage.getItem(`sallyport.${key}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`sallyport.${key}`, JSON.stringify(value));
  } catch {
    // A taste that is not remembered is no error worth a person's time.
  }
}
