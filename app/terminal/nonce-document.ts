function withNonce(element: HTMLElement, nonce: string): HTMLElement {
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
}

/**
 * The document for xterm, which makes style elements of its own: the policy of these pages takes only styles that
 * carry the response's nonce. Everything else is the real document's.
 */
export function documentWithNonce(nonce: string | undefined): Document {
  if (!nonce) return document;
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement')
        return (tag: string, options?: ElementCreationOptions) => withNonce(target.createElement(tag, options), nonce);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}

/**
 * Opens the terminal in an element. xterm 6 ignores its documentOverride for the scroll bar's styles (an operator
 * precedence slip in CoreBrowserTerminal.open), so for the length of this call the page's own document gives the nonce.
 */
export function openWithNonce(
  term: { open(parent: HTMLElement): void },
  parent: HTMLElement,
  nonce: string | undefined,
) {
  if (!nonce) return term.open(parent);
  const create = document.createElement.bind(document);
  document.createElement = (tag: string, options?: ElementCreationOptions) => withNonce(create(tag, options), nonce);
  try {
    term.open(parent);
  } finally {
    // The instance's own property goes, the prototype's method is back.
    Reflect.deleteProperty(document, 'createElement');
  }
}
