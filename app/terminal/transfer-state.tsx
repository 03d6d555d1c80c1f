'use client';
import { CircleCheck } from 'lucide-react';
import { bytes } from '../lib/time.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';
import { ProblemPanel } from '../ui/problem.tsx';
import type { Transfer } from './use-transfer.ts';

export function TransferState({ transfer, onStop }: { transfer: Transfer; onStop: () => void }) {
  switch (transfer.state) {
    case 'idle':
      return null;
    case 'running':
      return (
        <div role="status" className="flex items-center gap-3">
          <div className="min-w-0 flex-1">
            <p className="truncate">{transfer.what}</p>
            <progress
              aria-label={transfer.what}
              className="w-full"
              {...(transfer.total ? { max: transfer.total, value: transfer.done } : {})}
            />
            <p className="text-[12.5px] text-muted">
              {bytes(transfer.done)}
              {transfer.total ? ` of ${bytes(transfer.total)}` : ''}
            </p>
          </div>
          <Button size="sm" onClick={onStop}>
            Stop
          </Button>
        </div>
      );
    case 'done':
      return (
        <p role="status" className="flex items-center gap-2 text-ok">
          <Icon of={CircleCheck} /> {transfer.what}
        </p>
      );
    case 'failed':
      return <ProblemPanel error={transfer.error} compact />;
  }
}
