import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What /metrics says of the Kubernetes path and the egress proxy. */
export class GatewayMetrics {
  readonly #calls: Counter<'verb' | 'status'>;
  readonly #refused: Counter<'code'>;
  readonly #duration: Histogram<'verb'>;
  readonly #bytes: Counter<'direction'>;
  readonly #egress: Counter<'outcome'>;

  /** `running` is asked at each scrape. */
  constructor(
    registry: Registry,
    running: () => { calls: number; streams: number; waiting: number; queued: number; connections: number },
  ) {
    const registers = [registry];
    this.#calls = new Counter({
      name: 'sallyport_kubernetes_calls_total',
      help: 'Kubernetes calls that ended, by verb and by the status that the caller saw.',
      labelNames: ['verb', 'status'],
      registers,
    });
    this.#refused = new Counter({
      name: 'sallyport_kubernetes_refusals_total',
      help: 'Kubernetes calls that the portal itself refused, by code.',
      labelNames: ['code'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'sallyport_kubernetes_call_duration_seconds',
      help: 'Duration of Kubernetes calls that are not streams.',
      labelNames: ['verb'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 30],
      registers,
    });
    this.#bytes = new Counter({
      name: 'sallyport_kubernetes_bytes_total',
      help: 'Bodies and streams on the Kubernetes path, to and from the cluster.',
      labelNames: ['direction'],
      registers,
    });
    this.#egress = new Counter({
      name: 'sallyport_egress_connections_total',
      help: 'Connections out of sandboxes, opened and refused.',
      labelNames: ['outcome'],
      registers,
    });
    new Gauge({
      name: 'sallyport_kubernetes_calls_running',
      help: 'Kubernetes calls under way.',
      registers,
      collect() {
        this.set(running().calls);
      },
    });
    new Gauge({
      name: 'sallyport_kubernetes_streams_running',
      help: 'Streams among them: watches, followed logs, exec, attach, port-forward.',
      registers,
      collect() {
        this.set(running().streams);
      },
    });
    new Gauge({
      name: 'sallyport_kubernetes_calls_waiting',
      help: 'Kubernetes calls that wait for their turn by the rate of their credential.',
      registers,
      collect() {
        this.set(running().waiting);
      },
    });
    new Gauge({
      name: 'sallyport_kubernetes_queued_bytes',
      help: 'Bytes of Kubernetes calls that wait in the portal: for a client, a cluster or the disk of a recording.',
      registers,
      collect() {
        this.set(running().queued);
      },
    });
    new Gauge({
      name: 'sallyport_kubernetes_connections',
      help: 'Connections of sandboxes and of people’s own tools to the Kubernetes path and the egress proxy.',
      registers,
      collect() {
        this.set(running().connections);
      },
    });
  }

  callEnded(call: {
    verb: string;
    status: number | null;
    durationMs: number;
    stream: boolean;
    requestBytes: number;
    responseBytes: number;
  }): void {
    this.#calls.inc({ verb: call.verb, status: String(call.status ?? 0) });
    if (!call.stream) this.#duration.observe({ verb: call.verb }, call.durationMs / 1000);
    this.#bytes.inc({ direction: 'up' }, call.requestBytes);
    this.#bytes.inc({ direction: 'down' }, call.responseBytes);
  }

  refused(code: string): void {
    this.#refused.inc({ code });
  }

  egress(outcome: 'opened' | 'refused'): void {
    this.#egress.inc({ outcome });
  }
}
