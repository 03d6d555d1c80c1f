import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { registerAuditMetrics } from './metrics.ts';

test('each scrape says how the journal stands now', async () => {
  const registry = new Registry();
  const now = { journalBytes: 10, bound: 100, databaseFailures: 0 };
  registerAuditMetrics(registry, { stats: () => now });
  expect(await registry.metrics()).toMatch(/^sallyport_audit_journal_bytes 10$/m);
  Object.assign(now, { journalBytes: 90, databaseFailures: 3 });
  const text = await registry.metrics();
  expect(text).toMatch(/^sallyport_audit_journal_bytes 90$/m);
  expect(text).toMatch(/^sallyport_audit_journal_bound_bytes 100$/m);
  expect(text).toMatch(/^sallyport_audit_database_failures 3$/m);
});
