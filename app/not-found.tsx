import Link from 'next/link';
import { paths } from './lib/paths.ts';
import { buttonClass } from './ui/button-class.ts';

export default function NotFound() {
  return (
    <main className="grid min-h-dvh place-items-center px-4">
      <div className="max-w-[460px] text-center">
        <h1>There is no page here</h1>
        <p className="mt-1 mb-4 text-muted">
          The address is mistyped, or what it named is gone. Ended sessions stay; removed clusters do not.
        </p>
        <Link href={paths.home()} className={buttonClass('primary')}>
          To the start
        </Link>
      </div>
    </main>
  );
}
