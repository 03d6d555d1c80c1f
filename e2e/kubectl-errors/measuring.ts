/** Each kubectl that is measured, in one namespace, and the rows of what each showed of refusals. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { BUSYBOX_IMAGE } from '../cluster/images.ts';
import { kubectlBinaries, type KubectlVersion } from '../cluster/kubectl.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { editedKubeconfig, OwnTools } from '../own-tools.ts';
import { type Call, callNamed, DISCOVERY, READ } from './calls.ts';
import { holds, MEASURED, type Row } from './document.ts';
import { seen } from './shown.ts';

/** What asks for a schema or for its pod first. */
const MIXED = /^`(apply|wait|logs -f)\b/;

export type Asked = Pick<Call, 'name' | 'args' | 'stdin' | 'env' | 'cold'>;

export class Measuring implements AsyncDisposable {
  readonly namespace: string;
  readonly #rows: Row[] = [];
  /** What each version knows of the clusters, as after a day's work. */
  readonly #caches = mkdtempSync(join(tmpdir(), 'sallyport-caches-'));

  private constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** With the pod and the config map that the calls are for. */
  static async in(namespace: string): Promise<Measuring> {
    await kubectlAsAdmin('create', 'namespace', namespace);
    await kubectlAsAdmin('wait', '--for=create', 'serviceaccount/default', '-n', namespace, '--timeout=30s');
    const run = ['run', 'web', `--image=${BUSYBOX_IMAGE}`, '--image-pull-policy=Never', '--restart=Never'];
    await kubectlAsAdmin(...run, '-n', namespace, '--', 'sh', '-c', 'echo up; exec sleep 3600');
    await kubectlAsAdmin('create', 'configmap', 'one', '-n', namespace);
    await kubectlAsAdmin('wait', '--for=condition=Ready', 'pod/web', '-n', namespace, '--timeout=60s');
    return new Measuring(namespace);
  }

  async tools(version: KubectlVersion, kubeconfig: string): Promise<OwnTools> {
    return OwnTools.with(editedKubeconfig(kubeconfig, { namespace: this.namespace }), await kubectlBinaries(version));
  }

  knowing(version: KubectlVersion): string {
    return `--cache-dir=${join(this.#caches, version)}`;
  }

  /** From here on every version knows what there is at that kubeconfig's address. */
  async warm(kubeconfig: string): Promise<void> {
    for (const version of MEASURED) {
      using tools = await this.tools(version, kubeconfig);
      expect(await tools.kubectl(this.knowing(version), 'get', 'configmaps')).toMatchObject({ code: 0 });
    }
  }

  /**
   * Each call with each version, refused with that sentence; in the document they are one row, `what` where they are
   * many. Throws where one does not show it.
   */
  async told(
    [code, status]: readonly [string, number],
    sentence: RegExp,
    kubeconfig: string,
    calls: readonly Asked[],
    what = calls.map(({ name }) => name).join('; '),
  ): Promise<void> {
    await this.#isOf(code, status, kubeconfig, calls[0]!);
    const cells: Row['cells'] = {};
    const measure = async (version: KubectlVersion) => {
      using tools = await this.tools(version, kubeconfig);
      const found = new Set<string>();
      for (const call of calls) {
        const running = this.#start(tools, version, call);
        found.add((await seen(running, sentence, `kubectl ${version}: ${call.name}, ${code}`)).shown);
      }
      cells[version] = [...found].join(', ');
    };
    await Promise.all(MEASURED.map(measure));
    expect(Object.values(cells).join(), `${code}: ${what}`).not.toContain('lost');
    this.#rows.push({ names: [`[\`${code}\`](${code}.md)`, `${status}`, what], cells });
  }

  #start(tools: OwnTools, version: KubectlVersion, { args, stdin = '', env = {}, cold }: Asked, more: string[] = []) {
    const fresh = `--cache-dir=${join(tools.folder, randomBytes(4).toString('hex'))}`;
    return tools.start('kubectl', [...more, cold ? fresh : this.knowing(version), ...args], { stdin, env });
  }

  /** That it is this code which is met, by the headers that kubectl shows on request. */
  async #isOf(code: string, status: number, kubeconfig: string, call: Asked): Promise<void> {
    using tools = await this.tools('1.36', kubeconfig);
    const { stderr } = await this.#start(tools, '1.36', call, ['-v=8']).ended;
    const met = stderr.split('status="').map((text) => {
      const answered = /X-Sallyport-Error-Code: ([a-z-]+)/.exec(text)?.[1];
      return answered && `${answered} ${Number.parseInt(text, 10)}`;
    });
    expect(met).toContain(`${code} ${status}`);
  }

  /** A first call as well as one that knows what there is. */
  async bothTold(of: readonly [string, number], sentence: RegExp, kubeconfig: string, flag?: string): Promise<void> {
    for (const asked of [calls('`get`, a list'), calls('the first call of all')])
      await this.told(of, sentence, kubeconfig, flag === undefined ? asked : withFlag(flag, asked));
  }

  async toldWhateverIsAsked(of: readonly [string, number], sentence: RegExp, kubeconfig: string): Promise<void> {
    const read = READ.filter(({ name }) => !MIXED.test(name));
    await this.told(of, sentence, kubeconfig, read, 'every call for resources, and `--raw`');
    await this.told(of, sentence, kubeconfig, DISCOVERY, 'every call that asks what there is');
  }

  /** Throws where the document's table says something else than was told. */
  holds(heading: string): void {
    holds(heading, ['code', 'status', 'call'], this.#rows);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#caches, { recursive: true, force: true });
    await kubectlAsAdmin('delete', 'namespace', this.namespace, '--wait=false');
  }
}

export const calls = (...names: string[]): Call[] => names.map(callNamed);

/** A call of a kind that the others are not. */
export const typed = (text: string, more: Partial<Asked> = {}): Asked => ({
  name: `\`${text}\``,
  args: text.split(' '),
  ...more,
});

/** The same calls with such a flag. */
export const withFlag = (flag: string, asked: readonly Asked[]): Asked[] =>
  asked.map((call) => ({ ...call, args: [flag, ...call.args] }));
