import type { NextConfig } from 'next';

/** Web is a plain `next start` behind the portal, which sets the security headers and the CSP nonce. */
const config: NextConfig = {
  // Browsers ask for it by themselves where a document names no icon, as an answer of the API does.
  rewrites: async () => [{ source: '/favicon.ico', destination: '/icon.svg' }],
  poweredByHeader: false,
  reactStrictMode: true,
  // The portal compresses nothing and neither does web: they talk over loopback, the portal decides for the outside.
  compress: false,
  // `tsc --noEmit` is a check of its own; building twice the types would cost seconds at each start.
  typescript: { ignoreBuildErrors: true },
  images: { unoptimized: true },
  devIndicators: false,
};

export default config;
