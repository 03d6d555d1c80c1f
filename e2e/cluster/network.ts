/** The node's own bridge: pods hang on it, and the kubelet is bound to its address. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { run } from '../machine/run.ts';

/** 10.213.0.0–10.222.255.0: seldom used in offices; what this machine can route to already is left out. */
export async function freeSubnet(): Promise<string> {
  const routes = await run('ip', ['-4', 'route', 'show', 'table', 'all']);
  for (let tries = 0; tries < 200; tries++) {
    const subnet = `10.${randomInt(213, 223)}.${randomInt(0, 256)}`;
    if (!routes.includes(`${subnet}.`)) return subnet;
  }
  throw new Error('no free subnet for pods between 10.213.0.0 and 10.222.255.0');
}

/** Makes the device, with the subnet's first address, where it is missing. */
export async function makeBridge(name: string, subnet: string): Promise<void> {
  if (!existsSync(`/sys/class/net/${name}`)) await run('ip', ['link', 'add', 'name', name, 'type', 'bridge']);
  await run('ip', ['address', 'replace', `${subnet}.1/24`, 'dev', name]);
  await run('ip', ['link', 'set', name, 'up']);
}

export async function removeBridge(name: string): Promise<void> {
  if (existsSync(`/sys/class/net/${name}`)) await run('ip', ['link', 'delete', name]);
}

/** CNI network: one bridge, addresses handed out from a folder of ours. It enforces no NetworkPolicy. */
export function cniConfig(bridge: string, subnet: string, dataDir: string): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: bridge,
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        ipMasq: false,
        ipam: { type: 'host-local', dataDir, ranges: [[{ subnet: `${subnet}.0/24`, gateway: `${subnet}.1` }]] },
      },
    ],
  });
}
