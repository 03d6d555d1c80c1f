import { Gauge, type Registry } from 'prom-client';

/** What /metrics says of terminals. `queued`: bytes that each holds back for its recording and its page. */
export function registerTerminalMetrics(registry: Registry, queued: () => Iterable<number>): void {
  new Gauge({
    name: 'sallyport_terminal_queued_bytes',
    help: 'Bytes that wait in this process for recordings and pages, of all terminals.',
    registers: [registry],
    collect() {
      let sum = 0;
      for (const bytes of queued()) sum += bytes;
      this.set(sum);
    },
  });
  new Gauge({
    name: 'sallyport_terminals',
    help: 'Terminals that this process serves, warm ones included.',
    registers: [registry],
    collect() {
      this.set([...queued()].length);
    },
  });
}
