import { Gauge, type Registry } from 'prom-client';
import type { WarmPool } from './warm-pool.ts';

/** What /metrics says of the warm pool. */
export function registerPoolMetrics(registry: Registry, pool: Pick<WarmPool, 'ready'>, size: number): void {
  new Gauge({
    name: 'sallyport_sandbox_pool_ready',
    help: 'Sandboxes that wait for somebody to open a shell.',
    registers: [registry],
    collect() {
      this.set(pool.ready);
    },
  });
  new Gauge({
    name: 'sallyport_sandbox_pool_size',
    help: 'Sandboxes that should wait (SALLYPORT_WARM_POOL).',
    registers: [registry],
  }).set(size);
}
