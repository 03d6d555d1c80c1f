import Link from 'next/link';
import { paths } from '../lib/paths.ts';
import { buttonClass } from './button-class.ts';

/** An address that leads nowhere, and a way on. */
export function NothingHere() {
  return (
    <div className="mx-auto max-w-[460px] px-4 py-10 text-center">
      <h1>There is no page here</h1>
      <p className="mt-1 mb-4 text-muted">
        The address is mistyped, or what it named is gone. Ended sessions stay; removed clusters do not.
      </p>
      <Link href={paths.home()} className={buttonClass('primary')}>
        To the start
      </Link>
    </div>
  );
}
