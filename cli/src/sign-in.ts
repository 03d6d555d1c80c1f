/** Both ways to a token: by the browser on this machine, and by a code that is typed into another device's. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure, plain } from './failure.ts';
import { Unreachable } from './http.ts';
import { listenForCode } from './loopback.ts';
import { CLIENT_ID, OauthRefusal, type Metadata, type Portal, type Token } from './portal.ts';

/** What is said while a person is waited for. */
type Say = (line: string) => void;

/** How this machine is called on the portal's pages. */
export function deviceName(): string {
  return plain(hostname()).slice(0, 64).trim() || 'a computer';
}

/** RFC 8252, with PKCE (RFC 7636). */
export async function byBrowser(portal: Portal, metadata: Metadata, say: Say): Promise<Token> {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const loopback = await listenForCode({ state, issuer: portal.origin });
  try {
    const url = new URL(metadata.authorization_endpoint);
    const query = {
      response_type: 'code',
      client_id: CLIENT_ID,
      redirect_uri: loopback.redirectUri,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state,
      device_name: deviceName(),
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    say('Allow this machine in your browser. If none opens, open this address on this machine:');
    say(`  ${url.href}`);
    say('Without a browser here: sallyport login --device');
    openBrowser(url.href);
    const code = await loopback.code;
    return await portal.form<Token>(metadata.token_endpoint, {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: loopback.redirectUri,
    });
  } finally {
    loopback.close();
  }
}

type DeviceAnswer = {
  device_code: string;
  user_code: string;
  verification_uri: string;
  expires_in: number;
  interval?: number;
};

/** Seconds more at each slow_down, RFC 8628 3.5. */
const SLOWER_S = 5;

/** RFC 8628. */
export async function byDevice(portal: Portal, metadata: Metadata, say: Say): Promise<Token> {
  const begun = await portal.form<DeviceAnswer>(metadata.device_authorization_endpoint, { device_name: deviceName() });
  if (!begun.verification_uri.startsWith(`${portal.origin}/`))
    throw new Failure(`The portal at ${portal.origin} sends people to another address, which this program does not.`);
  say(`Open ${plain(begun.verification_uri)} in any browser, and type this code:`);
  say(`  ${plain(begun.user_code)}`);
  const until = Date.now() + begun.expires_in * 1_000;
  let interval = begun.interval ?? 5;
  while (Date.now() < until) {
    await delay(interval * 1_000);
    try {
      return await portal.form<Token>(metadata.token_endpoint, {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code: begun.device_code,
      });
    } catch (error) {
      // 3.5: a network that is away for a moment ends nothing.
      if (error instanceof Unreachable) interval += SLOWER_S;
      else if (!(error instanceof OauthRefusal)) throw error;
      else if (error.error === 'slow_down') interval += SLOWER_S;
      else if (error.error === 'temporarily_unavailable') interval = Math.max(interval, error.retryAfter ?? 0);
      else if (error.error === 'access_denied') throw new Failure('The sign-in was denied in the portal.');
      else if (error.error === 'expired_token') break;
      else if (error.error !== 'authorization_pending') throw error;
    }
  }
  throw new Failure('Nobody allowed it in time. Run sallyport login --device again.');
}

/** Best effort: the address was said as well. Without a shell, so that nothing in it is a command. */
function openBrowser(url: string): void {
  const [command, args]: [string, string[]] =
    process.platform === 'darwin'
      ? ['open', [url]]
      : process.platform === 'win32'
        ? ['rundll32', ['url.dll,FileProtocolHandler', url]]
        : ['xdg-open', [url]];
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  child.once('error', () => {});
  child.unref();
}
