/** A browser without a screen: cookies by host as browsers keep them, redirects one at a time, forms by hand. */

export type Answer = { status: number; headers: Headers; location: string | null; body: string };

export class RoundTrip {
  /** By origin's host name: cookies do not know ports. */
  readonly cookies = new Map<string, Map<string, string>>();

  async go(url: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    const { hostname, origin } = new URL(url);
    const jar = this.#jar(hostname);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { ...(cookie ? { cookie } : {}), ...(form ? { origin } : {}), ...headers },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(line) || value === '') jar.delete(name!);
      else jar.set(name!, value!);
    }
    const location = response.headers.get('location');
    return {
      status: response.status,
      headers: response.headers,
      location: location === null ? null : new URL(location, url).href,
      body: await response.text(),
    };
  }

  cookie(url: string, start: string): string | undefined {
    return [...this.#jar(new URL(url).hostname)].find(([name]) => name.startsWith(start))?.[1];
  }

  /** Follows redirects until a page, or until the next address matches `stop`, which it then returns unvisited. */
  async follow(answer: Answer, stop?: RegExp): Promise<Answer & { next: string | null }> {
    let last = answer;
    for (let hops = 0; last.location && hops < 10; hops++) {
      if (stop?.test(last.location)) return { ...last, next: last.location };
      last = await this.go(last.location);
    }
    return { ...last, next: null };
  }

  #jar(hostname: string): Map<string, string> {
    const jar = this.cookies.get(hostname) ?? new Map<string, string>();
    this.cookies.set(hostname, jar);
    return jar;
  }
}
