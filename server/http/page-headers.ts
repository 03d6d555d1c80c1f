/** The security headers of pages, which the portal sets itself: what web says of the same is replaced. */

export type PagePolicy = {
  /** `https://portal.example`. */
  origin: string;
  /** Origins of identity providers: Chromium applies form-action to the redirects of a form, too. */
  formTargets: readonly string[];
};

/** Content-Security-Policy for one response; `nonce` is on every script and style that web itself put there. */
export function contentSecurityPolicy({ origin, formTargets }: PagePolicy, nonce: string): string {
  const socket = origin.replace(/^http/, 'ws');
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'`,
    `style-src 'self' 'nonce-${nonce}'`,
    // React's style attributes: they can carry no script, and no address to send anything to.
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    // Safari's 'self' leaves WebSockets out.
    `connect-src 'self' ${socket}`,
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    `form-action 'self' ${formTargets.join(' ')}`.trim(),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** What else each page gets. */
export function pageHeaders(origin: string): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=(), serial=()',
    ...(origin.startsWith('https:') ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}
