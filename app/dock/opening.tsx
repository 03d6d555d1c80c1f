'use client';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleDashed } from 'lucide-react';
import type { Session } from '../../server/http/schemas.ts';
import { queries } from '../lib/queries.ts';
import { duration } from '../lib/time.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';
import { useNow } from '../ui/time.tsx';
import { closeTab } from './actions.ts';
import type { Tab } from './dock-store.ts';

const stepWords: Record<string, string> = {
  account: 'Creating the account on the cluster',
  container: 'Starting the container',
  shell: 'Opening the shell',
};

type Step = Session['steps'][number];

/** A step's name as people read it; one that this page does not know is shown as the portal calls it. */
function words(step: Step): string {
  return stepWords[step.name] ?? step.name.replace(/^./, (first) => first.toUpperCase());
}

/** The steps of an opening session with their times. */
export function Steps({ steps, now }: { steps: Step[]; now: Date }) {
  return (
    <ol className="space-y-1">
      {steps.map((step) => (
        <li key={step.name} className="flex items-center gap-2">
          <Icon
            of={step.ms === null ? CircleDashed : CircleCheck}
            size={14}
            className={step.ms === null ? 'pulse text-accent' : 'text-ok'}
          />
          <span className="flex-1">{words(step)}</span>
          <span className="text-muted">
            {duration(step.ms ?? Math.max(0, now.getTime() - new Date(step.at).getTime()))}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** What a tab shows while its session opens: what is being done, for how long, and a way out. */
export function Opening({ tab }: { tab: Tab }) {
  const now = useNow(100);
  const since = tab.openingSince ?? now.getTime();
  const mine = useQuery({ ...queries.mySessions(), refetchInterval: 400 });
  const session = mine.data?.items.find(
    (item) =>
      item.state === 'opening' &&
      item.cluster.name === tab.cluster.name &&
      // The portal's clock may differ from this one's.
      Math.abs(new Date(item.openedAt).getTime() - since) < 60_000,
  );
  const asked: Step = { name: 'Asking the portal', at: new Date(since).toISOString(), ms: null };
  return (
    <div className="appear m-auto w-[min(420px,90%)] py-4">
      <p className="mb-2 font-semibold" role="status">
        Opening a shell on {tab.cluster.name}
        {tab.role ? ` as ${tab.role}` : ''}
      </p>
      <Steps steps={session?.steps.length ? session.steps : [asked]} now={now} />
      <Button size="sm" className="mt-4" onClick={() => closeTab(tab.key)}>
        Cancel
      </Button>
    </div>
  );
}
