/** Times as people read them: relative in the text, absolute in the title. Pure: `now` comes in. */

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['week', 7 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];
// Always by number: 26 hours ago may be the day before yesterday.
const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'short' });

/** "3 min. ago", "in 2 hr."; under a minute "just now", or "in 40 s" for what is to come. */
export function relativeTime(at: Date, now: Date): string {
  const delta = at.getTime() - now.getTime();
  for (const [unit, size] of units)
    // Past times are full units gone by; what is to come is rounded, since 90 days less a second are not two months.
    if (Math.abs(delta) >= size)
      return relativeFormat.format(delta < 0 ? Math.trunc(delta / size) : Math.round(delta / size), unit);
  return delta > 1000 ? `in ${Math.round(delta / 1000)} s` : 'just now';
}

const absoluteFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });

/** "22 Nov 2026, 16:31:07 UTC": seconds and zone, since two people compare these. */
export function absoluteTime(at: Date): string {
  return absoluteFormat.format(at);
}

/** "16:31:07" of the reader's day. */
export function clockTime(at: Date): string {
  return at.toLocaleTimeString('en-GB');
}

/** The reader's day that a moment falls on, as a date field has it: "2026-11-22"; empty for no moment. */
export function dayOf(moment: string): string {
  const at = new Date(moment);
  if (Number.isNaN(at.getTime())) return '';
  const two = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The first, or the last, millisecond of a date field's day where the reader is; null for no day. */
export function edgeOfDay(day: string, edge: 'start' | 'end'): string | null {
  // Without a zone it is read as local time.
  const at = new Date(`${day}T${edge === 'start' ? '00:00:00' : '23:59:59.999'}`);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}

/** A length of time by its two largest units: "1 h 4 min", "12 s", "340 ms". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** A clock that runs: "4:07", "1:02:09". Negative is zero. */
export function countdown(ms: number): string {
  const total = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Binary units, as kubectl and the engine count: "0 B", "1.5 KiB", "12 MiB". */
export function bytes(n: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  let value = n;
  while (value >= 1024 && at < names.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1).replace(/\.0$/, '')} ${names[at]}`;
}
