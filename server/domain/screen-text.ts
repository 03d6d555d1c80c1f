/**
 * Terminal output as lines of plain text, for search: escape sequences are cut out, what moves the cursor to another
 * line or place parts the text. Not the screen: text that was overwritten is found too, which an auditor wants.
 */

export type TextLine<Place> = {
  text: string;
  /** What {@link ScreenText.push} was told when the line's first character came. */
  at: Place;
  /** And when its last one came: from then on the whole line shows. */
  until: Place;
};

/** A longer line goes on in a next one. */
const LINE_MOST = 2000;

type State = 'text' | 'escape' | 'charset' | 'csi' | 'string';

export class ScreenText<Place> {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #line: (line: TextLine<Place>) => void;
  #state: State = 'text';
  #text = '';
  #at: Place | undefined;
  #until: Place | undefined;

  constructor(line: (line: TextLine<Place>) => void) {
    this.#line = line;
  }

  /** `at` marks the lines that begin in these bytes. */
  push(bytes: Uint8Array, at: Place): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    let run = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (this.#state === 'text' && code >= 0x20 && code !== 0x7f && (code < 0x80 || code >= 0xa0)) continue;
      if (this.#state === 'text') this.#append(text.slice(run, i), at);
      this.#control(code);
      run = i + 1;
    }
    if (this.#state === 'text') this.#append(text.slice(run), at);
  }

  end(): void {
    this.#part();
  }

  #append(text: string, at: Place): void {
    if (text === '') return;
    if (this.#text === '') this.#at = at;
    this.#until = at;
    this.#text += text;
    while (this.#text.length > LINE_MOST) {
      this.#line({ text: this.#text.slice(0, LINE_MOST), at: this.#at!, until: at });
      this.#text = this.#text.slice(LINE_MOST);
      this.#at = at;
    }
  }

  #part(): void {
    if (this.#text.trim() !== '') this.#line({ text: this.#text, at: this.#at!, until: this.#until! });
    this.#text = '';
  }

  #control(code: number): void {
    if (code === 0x1b) this.#state = 'escape';
    else if (code === 0x18 || code === 0x1a) this.#state = 'text';
    else if (this.#state === 'text') this.#inText(code);
    else if (this.#state === 'escape') this.#escape(code);
    else if (this.#state === 'charset') this.#state = 'text';
    else if (this.#state === 'csi') this.#csi(code);
    else if (code === 0x07 || code === 0x9c) this.#state = 'text';
  }

  #inText(code: number): void {
    if (code === 0x08) this.#text = this.#text.slice(0, -1);
    else if (code === 0x09) this.#text += ' ';
    else if (code === 0x9b) this.#state = 'csi';
    else if (code === 0x9d || code === 0x90 || code === 0x98 || code === 0x9e || code === 0x9f) this.#state = 'string';
    else if (code !== 0x07 && code !== 0x0e && code !== 0x0f && code !== 0x7f) this.#part();
  }

  #escape(code: number): void {
    if (code === 0x5b) this.#state = 'csi';
    else if (code === 0x5d || code === 0x50 || code === 0x58 || code === 0x5e || code === 0x5f) this.#state = 'string';
    else if (code >= 0x20 && code <= 0x2f) this.#state = 'charset';
    else {
      this.#state = 'text';
      // reverse index, index, next line, reset: another line
      if (code === 0x4d || code === 0x44 || code === 0x45 || code === 0x63) this.#part();
    }
  }

  #csi(code: number): void {
    if (code < 0x40 || code > 0x7e) return;
    this.#state = 'text';
    const final = String.fromCharCode(code);
    if ('HfABEFdJLMST'.includes(final)) this.#part();
    else if ('CGaI`'.includes(final) && this.#text !== '') this.#text += ' ';
  }
}
