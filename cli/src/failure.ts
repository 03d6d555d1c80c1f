/** What goes wrong, as one or two sentences for the person at the terminal, and the program's exit code. */
export class Failure extends Error {
  override name = 'Failure';
  /** 1; 2 where the command was not understood. */
  readonly exitCode: 1 | 2;

  constructor(message: string, options: { exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

export function misused(message: string): Failure {
  return new Failure(message, { exitCode: 2 });
}

/** Text from elsewhere on one line, without what a terminal would take for commands. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]+/gu, ' ').trim();
}
