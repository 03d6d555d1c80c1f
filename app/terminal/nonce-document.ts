/**
 * The document for xterm, which makes style elements of its own: the policy of these pages takes only styles that
 * carry the response's nonce. Everything else is the real document's.
 */
export function documentWithNonce(nonce: string | undefined): Document {
  if (!nonce) return document;
  return new Proxy(document, {
    get(target, name) {
      if (name === 'createElement')
        return (tag: string, options?: ElementCreationOptions) => {
          const element = target.createElement(tag, options);
          if (tag.toLowerCase() === 'style') element.nonce = nonce;
          return element;
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
}
