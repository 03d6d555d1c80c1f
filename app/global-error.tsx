'use client';
import './globals.css';
import { PageFailure } from './ui/page-failure.tsx';

/** The root layout itself broke. */
export default function GlobalError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <html lang="en">
      <body>
        <PageFailure error={error} reset={reset} />
      </body>
    </html>
  );
}
