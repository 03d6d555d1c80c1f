/**
 * OSC 52: a program in the shell sets the clipboard of this computer. Only writing, only after consent; a program
 * that asks what the clipboard holds gets no answer.
 */

/** More than this is no text that a person copies; xterm parses at most 10 MB of an OSC. */
const MOST_CHARS = 1024 * 1024;

/** The text a program wants in the clipboard; null for a question, for clearing, and for what cannot be decoded. */
export function clipboardWrite(data: string): string | null {
  const separator = data.indexOf(';');
  if (separator < 0) return null;
  const encoded = data.slice(separator + 1);
  if (encoded === '?' || encoded === '' || encoded.length > MOST_CHARS) return null;
  try {
    const raw = atob(encoded);
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(raw, (char) => char.charCodeAt(0)));
  } catch {
    return null;
  }
}
