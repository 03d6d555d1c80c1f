/**
 * One live terminal: joins the connection (pure) with the WebSocket, xterm and the clipboard. It lives outside React,
 * so that moving it between panes, or to another page, touches neither the socket nor the screen. One file past 300
 * lines, since each part of it is a few lines that need the same socket, screen and view; the logic is elsewhere.
 */
import type { Session } from '../../server/http/schemas.ts';
import type { Banner } from '../../protocol/frames.ts';
import { api } from '../lib/api.ts';
import { PortalError } from '../lib/problem.ts';
import { Store } from '../lib/store.ts';
import { Connection, type ConnectionSink, type ConnectionStatus } from './connection.ts';
import { makeEmulator, type Emulator } from './emulator.ts';
import { clipboardWrite } from './osc52.ts';
import { PasteJob, questionFor, type PasteQuestion } from './paste.ts';
import { preferences, setPreferences } from './preferences.ts';
import { isReply } from './replies.ts';
import { leaseWebgl } from './webgl.ts';

export type TerminalView = {
  status: ConnectionStatus;
  /** Whether anything was on the screen yet. */
  shown: boolean;
  banner: Banner | null;
  question: (PasteQuestion & { text: string }) | null;
  pasting: { sent: number; total: number } | null;
  /** A program wants this in the clipboard. */
  clipboard: string | null;
  searching: boolean;
  /** Typed bytes were refused because too many wait already. */
  overflow: boolean;
  title: string;
};

const initial: TerminalView = {
  status: { kind: 'connecting', attempt: 0 },
  shown: false,
  banner: null,
  question: null,
  pasting: null,
  clipboard: null,
  searching: false,
  overflow: false,
  title: '',
};

export class TerminalController implements ConnectionSink {
  readonly sessionId: string;
  readonly view = new Store<TerminalView>(initial);
  /** Moved from pane to pane; xterm is opened in it once. */
  readonly element: HTMLDivElement;
  readonly #connection: Connection;
  readonly #onSession: (session: Session) => void;
  readonly #ready: Promise<Emulator>;
  #emulator: Emulator | undefined;
  #webgl: Promise<Disposable> | undefined;
  #socket: WebSocket | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #paste: PasteJob | undefined;
  #clipboardAllowed = false;
  /** Whether each write that the screen has not finished was answered by an earlier page, oldest first. */
  readonly #writes: boolean[] = [];
  #attachedSize = { cols: 80, rows: 24 };
  /** The shell's size as far as we know: each other one makes it draw its prompt anew. */
  #toldSize = { cols: 0, rows: 0 };
  /** While a snapshot is drawn the screen has the size that it was taken with. */
  #redrawing = false;
  #observer: ResizeObserver | undefined;
  #disposed = false;
  #unsubscribe = () => {};

  constructor(sessionId: string, nonce: string | undefined, onSession: (session: Session) => void) {
    this.sessionId = sessionId;
    this.#onSession = onSession;
    this.#connection = new Connection(crypto.getRandomValues(new Uint32Array(1))[0]!, this, Math.random);
    this.element = document.createElement('div');
    this.element.dataset.terminal = sessionId;
    this.element.className = 'size-full';
    this.#ready = makeEmulator(nonce, true).then((emulator) => this.#wire(emulator));
    // After the emulator's own subscription: letters of another size leave another number of columns.
    void this.#ready.then(() => {
      if (!this.#disposed) this.#unsubscribe = preferences.subscribe(() => this.fit());
    });
    window.addEventListener('online', this.#online);
    window.addEventListener('offline', this.#offline);
  }

  /** Connects; a ticket that came with the opened session saves a round trip. */
  async start(ticket?: string): Promise<void> {
    await this.#ready;
    if (!this.#disposed) this.#connection.start(ticket);
  }

  /** Shows it in a pane. The returned function takes it out again; the session does not notice. */
  mount(host: HTMLElement): () => void {
    host.append(this.element);
    let mounted = true;
    void this.#ready.then((emulator) => {
      if (!mounted || this.#disposed) return;
      emulator.open(this.element);
      this.#webgl = leaseWebgl(emulator.term);
      this.#observer = new ResizeObserver(() => this.fit());
      this.#observer.observe(host);
      this.fit();
    });
    return () => {
      mounted = false;
      this.#observer?.disconnect();
      void this.#webgl?.then((lease) => lease[Symbol.dispose]());
      this.#webgl = undefined;
      this.element.remove();
    };
  }

  fit(): void {
    if (this.#redrawing) return;
    if (this.element.clientWidth > 0 && this.element.clientHeight > 0) this.#emulator?.fit.fit();
  }

  focus(): void {
    void this.#ready.then((emulator) => emulator.term.focus());
  }

  /** The button that asked for it goes: what is typed next is for the terminal again. */
  takeBack(): void {
    this.#connection.start();
    this.focus();
  }

  retryNow(): void {
    clearTimeout(this.#retryTimer);
    this.#connection.retry();
  }

  get selection(): string {
    return this.#emulator?.term.getSelection() ?? '';
  }

  /** Absent until xterm is loaded. */
  get search() {
    return this.#emulator?.search;
  }

  set(change: Partial<TerminalView>): void {
    this.view.update((view) => ({ ...view, ...change }));
  }

  dispose(): void {
    this.#disposed = true;
    this.#unsubscribe();
    clearTimeout(this.#retryTimer);
    window.removeEventListener('online', this.#online);
    window.removeEventListener('offline', this.#offline);
    this.#observer?.disconnect();
    this.#connection.dispose();
    void this.#webgl?.then((lease) => lease[Symbol.dispose]());
    void this.#ready.then((emulator) => emulator.dispose());
    this.element.remove();
  }

  // Pasting

  /** Asks first where the text has several lines or is large. */
  paste(text: string): void {
    if (text === '') return;
    const question = questionFor(text);
    if (question) this.set({ question: { ...question, text } });
    else this.#startPaste(text);
  }

  answerPaste(yes: boolean): void {
    const { question } = this.view.get();
    this.set({ question: null });
    if (yes && question) this.#startPaste(question.text);
    this.focus();
  }

  cancelPaste(): void {
    const rest = this.#paste?.cancel();
    this.#paste = undefined;
    if (rest?.length) this.#connection.type(rest);
    this.set({ pasting: null });
  }

  #startPaste(text: string): void {
    this.#paste = new PasteJob(text, this.#emulator?.term.modes.bracketedPasteMode ?? false);
    this.#emulator?.term.scrollToBottom();
    this.#pump();
  }

  #pump(): void {
    const job = this.#paste;
    if (!job) return;
    for (let piece = job.next(this.#connection.input.room); piece; piece = job.next(this.#connection.input.room))
      this.#connection.type(piece);
    if (job.done) {
      this.#paste = undefined;
      this.set({ pasting: null });
    } else this.set({ pasting: { sent: job.sent, total: job.total } });
  }

  // Clipboard of this computer

  async copySelection(): Promise<void> {
    if (!this.selection) return;
    await navigator.clipboard.writeText(this.selection);
  }

  /** The person's answer to a program that wants to set the clipboard; `always` holds for this page's life. */
  async answerClipboard(answer: 'once' | 'always' | 'no'): Promise<void> {
    const { clipboard } = this.view.get();
    this.set({ clipboard: null });
    if (answer === 'always') this.#clipboardAllowed = true;
    if (answer !== 'no' && clipboard !== null) await navigator.clipboard.writeText(clipboard).catch(() => undefined);
    this.focus();
  }

  // Wiring

  #wire(emulator: Emulator): Emulator {
    this.#emulator = emulator;
    const { term } = emulator;
    term.onData((data) => this.#onData(data));
    term.onBinary((data) => this.#type(Uint8Array.from(data, (char) => char.charCodeAt(0))));
    term.onResize(() => this.#tellSize());
    term.onTitleChange((title) => this.set({ title: title.slice(0, 80) }));
    term.parser.registerOscHandler(52, (data) => {
      const text = this.#writes[0] ? null : clipboardWrite(data);
      if (text !== null) {
        if (this.#clipboardAllowed) void navigator.clipboard.writeText(text).catch(() => undefined);
        else this.set({ clipboard: text });
      }
      return true;
    });
    term.attachCustomKeyEventHandler((event) => this.#key(event));
    // Before xterm's own handler, which would paste without asking.
    this.element.addEventListener(
      'paste',
      (event) => {
        event.preventDefault();
        event.stopImmediatePropagation();
        this.paste(event.clipboardData?.getData('text/plain') ?? '');
      },
      { capture: true },
    );
    return emulator;
  }

  #onData(data: string): void {
    if (this.#writes[0] && isReply(data)) return;
    if (data === '\x03' && this.#paste) this.cancelPaste();
    this.#type(new TextEncoder().encode(data));
  }

  #type(bytes: Uint8Array): void {
    const taken = this.#connection.type(bytes);
    if (taken === this.view.get().overflow) this.set({ overflow: !taken });
  }

  /** The few keys that a terminal gives up; all are in the list of shortcuts. False: xterm leaves the key alone. */
  #key(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true;
    const key = event.key.toLowerCase();
    const ctrl = event.ctrlKey && !event.altKey && !event.metaKey;
    const take = (act: () => void): false => {
      event.preventDefault();
      act();
      return false;
    };
    if (ctrl && event.shiftKey) {
      if (key === 'c') return take(() => void this.copySelection());
      if (key === 'f') return take(() => this.set({ searching: true }));
      if (key === 'v') return false;
      if (key === '+' || key === '=') return take(() => setPreferences({ fontSize: preferences.get().fontSize + 1 }));
      if (key === '-' || key === '_') return take(() => setPreferences({ fontSize: preferences.get().fontSize - 1 }));
    }
    if (ctrl && !event.shiftKey) {
      if (key === 'c' && this.selection)
        return take(() => {
          void this.copySelection();
          this.#emulator?.term.clearSelection();
        });
      if (key === 'v' && preferences.get().ctrlV === 'paste') return false;
      if (key === '`') return false;
    }
    if (event.metaKey && key === 'k') return false;
    return true;
  }

  readonly #online = () => this.retryNow();
  /** A socket whose network went away notices after minutes, and its goodbye would wait for an answer. */
  readonly #offline = () => {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.#connection.closed();
  };

  // ConnectionSink

  requestTicket(): void {
    api.ticket(this.sessionId).then(
      ({ ticket }) => this.#connection.ticket(ticket),
      (error: unknown) => this.#connection.refused(error instanceof PortalError ? error.status : 0),
    );
  }

  dial(ticket: string, offset: number | null): void {
    const { cols, rows } = this.#emulator!.term;
    const url = new URL(`/api/v1/sessions/${this.sessionId}/terminal`, location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    url.searchParams.set('stream', String(this.#connection.input.stream));
    url.searchParams.set('cols', String(cols));
    url.searchParams.set('rows', String(rows));
    if (offset !== null) url.searchParams.set('offset', String(offset));
    const socket = new WebSocket(url, ['sallyport.v1', `ticket.${ticket}`]);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket && data instanceof ArrayBuffer) this.#connection.message(new Uint8Array(data));
      this.#pump();
    };
    socket.onclose = ({ code }) => {
      if (socket === this.#socket) this.#connection.closed(code);
    };
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  hangUp(): void {
    this.#socket?.close();
  }

  retryAfter(ms: number): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connection.retry(), ms);
  }

  size(cols: number, rows: number): void {
    this.#attachedSize = this.#toldSize = { cols, rows };
    // Our own size may have changed while we were away.
    this.#tellSize();
  }

  #tellSize(): void {
    const { cols, rows } = this.#emulator!.term;
    if (this.#redrawing || (cols === this.#toldSize.cols && rows === this.#toldSize.rows)) return;
    this.#toldSize = { cols, rows };
    this.#connection.resize(cols, rows);
  }

  write(bytes: Uint8Array, { offset, answered, reset }: { offset: number; answered: boolean; reset: boolean }): void {
    const { term } = this.#emulator!;
    if (reset) this.#resetScreen();
    this.#writes.push(answered);
    term.write(bytes, () => {
      this.#writes.shift();
      this.#connection.rendered(offset);
      if (reset) {
        this.#redrawing = false;
        this.fit();
        this.#tellSize();
      }
      if (!this.view.get().shown) this.set({ shown: true });
    });
  }

  /** In the order of what is written: earlier output may still wait in xterm's buffer. */
  #resetScreen(): void {
    const { term } = this.#emulator!;
    const { cols, rows } = this.#attachedSize;
    this.#writes.push(true);
    term.write('\x1bc', () => {
      this.#writes.shift();
      this.#redrawing = true;
      term.resize(Math.max(2, cols), Math.max(1, rows));
    });
  }

  session(session: Session): void {
    this.#onSession(session);
  }

  banner(banner: Banner): void {
    this.set({ banner });
  }

  status(status: ConnectionStatus): void {
    this.set({ status });
  }
}
