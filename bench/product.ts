/** The product as a person starts it: `npm run up -- --json`, in a data folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../e2e/machine/ports.ts';
import { run } from '../e2e/machine/run.ts';
import { Portal } from './rest.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export type Product = AsyncDisposable & { portal: Portal; dataDir: string };

/** Resolves when it serves; disposing stops it and removes everything it made. Its progress goes to our stderr. */
export async function startProduct(
  dataDir: string,
  kubeconfig: string,
  engineSocket: string,
  warmPool: number,
): Promise<Product> {
  const env = {
    ...process.env,
    DOCKER_HOST: `unix://${engineSocket}`,
    SALLYPORT_WARM_POOL: String(warmPool),
    SALLYPORT_LOG_LEVEL: 'warn',
    // Load that is meant: the limits have tests of their own.
    SALLYPORT_API_RATE: '100000',
    SALLYPORT_API_BURST: '100000',
  };
  const script = (name: string) => [`scripts/${name}.ts`, '--data-dir', dataDir];
  const ports = ['--port', String(await freePort()), '--gateway-port', String(await freePort())];
  const child = spawn(process.execPath, [...script('up'), '--json', '--kubeconfig', kubeconfig, ...ports], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const remove = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
    await run(process.execPath, script('down'), { cwd: ROOT, env });
  };
  try {
    const ready = await firstJson(child.stdout);
    return { portal: new Portal(ready.url, ready.apiToken), dataDir, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function firstJson(stdout: NodeJS.ReadableStream): Promise<{ url: string; apiToken: string }> {
  for await (const line of createInterface({ input: stdout }))
    if (line.startsWith('{')) {
      stdout.resume();
      return JSON.parse(line) as { url: string; apiToken: string };
    }
  throw new Error('the product ended before it was ready; its own words are above');
}
