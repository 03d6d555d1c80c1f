/** The few calls that starting a cluster needs, over its admin certificate. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';

export type ApiAnswer = { status: number; body: string };

export function askApi(pki: string, server: string, path: string): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const ask = request(
      new URL(path, server),
      {
        ca: readFileSync(join(pki, 'ca.crt')),
        cert: readFileSync(join(pki, 'admin.crt')),
        key: readFileSync(join(pki, 'admin.key')),
        timeout: 5_000,
        agent: false,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('error', reject);
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      },
    );
    ask.once('error', reject);
    ask.once('timeout', () => ask.destroy(new Error(`${server} did not answer within 5 s`)));
    ask.end();
  });
}
