'use client';
import { Power } from 'lucide-react';
import Link from 'next/link';
import type { Session } from '../../server/http/schemas.ts';
import { paths } from '../lib/paths.ts';
import { Button } from '../ui/button.tsx';
import { buttonClass } from '../ui/button-class.ts';
import { Icon } from '../ui/glyph.tsx';
import { Time } from '../ui/time.tsx';
import { endDetail, endSentence } from './end-reason.ts';

/** Below an ended terminal, whose last screen stays readable: why, and a way on. */
export function Ended({
  session,
  onStartAgain,
  onClose,
}: {
  session: Session;
  onStartAgain?: (() => void) | undefined;
  onClose?: (() => void) | undefined;
}) {
  const detail = endDetail(session);
  return (
    <div role="status" className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-2 border-t bg-surface px-4 py-2.5">
      <Icon of={Power} className="text-muted" />
      {/* Where the pane is narrow the buttons go below: a column of single words is not read. */}
      <div className="min-w-0 flex-1 basis-[240px] break-words">
        <p>
          <strong className="font-semibold">This session has ended.</strong> {endSentence(session)}
        </p>
        <p className="text-[12.5px] text-muted">
          {detail ? `${detail} · ` : ''}
          {session.endedAt ? <Time at={session.endedAt} /> : null}
        </p>
      </div>
      <Link href={paths.session(session.id)} className={buttonClass('default', 'sm')}>
        What happened
      </Link>
      {onStartAgain ? (
        <Button size="sm" kind={session.cluster.production ? 'prod' : 'primary'} onClick={onStartAgain}>
          Start again
        </Button>
      ) : null}
      {onClose ? (
        <Button size="sm" onClick={onClose}>
          Close
        </Button>
      ) : null}
    </div>
  );
}
