import type { LucideIcon } from 'lucide-react';
import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleDot,
  CircleStop,
  CircleX,
  Moon,
  TriangleAlert,
} from 'lucide-react';
import type { Cluster, Session } from '../../server/http/schemas.ts';
import { Icon } from './glyph.tsx';

type Tone = 'ok' | 'warn' | 'bad' | 'muted' | 'accent';
const toneClass: Record<Tone, string> = {
  ok: 'text-ok',
  warn: 'text-warn',
  bad: 'text-bad',
  muted: 'text-muted',
  accent: 'text-accent',
};

/** A status by shape, word and colour. */
export function Status({
  icon,
  tone,
  children,
  title,
}: {
  icon: LucideIcon;
  tone: Tone;
  children: string;
  title?: string;
}) {
  return (
    // Aligned to the line, not to its baseline: the line of text beside it would be higher than its neighbours.
    <span className={`inline-flex items-center gap-1.5 align-top whitespace-nowrap ${toneClass[tone]}`} title={title}>
      <Icon of={icon} size={14} />
      {children}
    </span>
  );
}

export function HealthStatus({ health }: { health: Cluster['health'] }) {
  const title = health.message ?? undefined;
  switch (health.state) {
    case 'healthy':
      return (
        <Status icon={CircleCheck} tone="ok" title={title}>
          Healthy
        </Status>
      );
    case 'degraded':
      return (
        <Status icon={TriangleAlert} tone="warn" title={title}>
          Degraded
        </Status>
      );
    case 'unreachable':
      return (
        <Status icon={CircleX} tone="bad" title={title}>
          Unreachable
        </Status>
      );
    default:
      return (
        <Status icon={CircleDashed} tone="muted" title="The portal asks it now">
          Checking…
        </Status>
      );
  }
}

export function SessionStatus({ session }: { session: Pick<Session, 'state' | 'detachedAt' | 'endReason'> }) {
  if (session.state === 'ended')
    return session.endReason === 'fault' ? (
      <Status icon={CircleAlert} tone="bad">
        Ended by a fault
      </Status>
    ) : (
      <Status icon={CircleStop} tone="muted">
        Ended
      </Status>
    );
  if (session.state === 'opening')
    return (
      <Status icon={CircleDashed} tone="accent">
        Opening
      </Status>
    );
  if (session.state === 'dormant')
    return (
      <Status icon={Moon} tone="muted">
        Dormant
      </Status>
    );
  if (session.state === 'ending')
    return (
      <Status icon={Ban} tone="muted">
        Ending
      </Status>
    );
  return session.detachedAt ? (
    <Status icon={CircleDashed} tone="warn">
      Detached
    </Status>
  ) : (
    <Status icon={CircleDot} tone="ok">
      Active
    </Status>
  );
}

/** Production by colour and by word, wherever a cluster is named. */
export function ProductionMark({ production, short = false }: { production: boolean; short?: boolean }) {
  return production ? (
    <span
      title="Production"
      className="inline-flex shrink-0 items-center rounded-[4px] bg-prod px-1.5 text-[10.5px] leading-[17px] font-bold tracking-[0.06em] text-prod-fg uppercase"
    >
      {short ? 'Prod' : 'Production'}
    </span>
  ) : null;
}
