/** For tests: the facts of one session's recording. */
import type { RecordingFacts } from './recording.ts';

export const recordingFacts: RecordingFacts = {
  session: '3f0c8f3e-0000-4000-8000-000000000001',
  openedAt: new Date('2026-01-02T03:04:05.000Z'),
  user: { id: 'u', name: 'Dana', email: 'dana@example.org' },
  cluster: { id: 'c', name: 'staging' },
  role: 'developer',
  serviceAccount: 'sp-dana-3f0c8f3e0000',
  cols: 80,
  rows: 24,
};
