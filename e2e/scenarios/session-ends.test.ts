/** Every way in which a session ends by itself, by others or by its person, and what puts an end off. */
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CloseCode } from '../../protocol/frames.ts';
import { leftovers } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';
import { tarOf } from '../tar.ts';

let portal: TestPortal;
beforeAll(async () => {
  portal = await TestPortal.start({ warmPool: 1 });
});
afterAll(() => portal?.[Symbol.asyncDispose]());

const gone = async (session: string) => {
  const left = await leftovers(portal);
  expect(left.containers).not.toContain(session);
  expect(left.cluster.filter((name) => name.includes(session.replaceAll('-', '').slice(0, 12)))).toEqual([]);
};

/** A transfer that is begun and left alone: nobody reads of the download, no more comes of the upload. */
function transfer(person: Visitor, session: string, method: string, path: string, first?: string | Uint8Array) {
  const url = `${portal.url}/api/v1/sessions/${session}/files?path=${path}`;
  const asked = request(url, { method, headers: { cookie: person.cookie, origin: portal.url } });
  const answered = Promise.withResolvers<IncomingMessage>();
  asked.on('response', answered.resolve);
  asked.on('error', answered.reject);
  answered.promise.catch(() => {});
  if (first === undefined) asked.end();
  else asked.write(first);
  return {
    more: (bytes: Uint8Array) => void asked.write(bytes),
    finish: () => void asked.end(),
    answered: answered.promise,
    /** How it goes on: the answer's status where all of it came, else the error. */
    async outcome(): Promise<number | string> {
      try {
        const answer = await answered.promise;
        await text(answer);
        return answer.statusCode!;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? 'unknown';
      } finally {
        asked.destroy();
      }
    },
  };
}

describe('time', () => {
  it('idles out while a program writes, asks the cluster and the terminal answers; it is warned, and a key puts it off', async () => {
    const person = await portal.visitor([await portal.role({ idleMs: 6_000 })]);
    const { id, terminal } = await person.open();
    await terminal.shows(/\$ $/);
    const began = Date.now();
    await until(() => terminal.banners.some(({ code }) => code === 'ending-idle'), { what: 'the warning' });
    terminal.type('while sleep 0.1; do echo still; kubectl get namespace default --output name; done\r');
    await terminal.shows(/still\r\nnamespace\/default\r\nstill/);
    // Where the cursor is, what the terminal can, its colours: the emulator's own answers are nobody's keys.
    const replies = setInterval(() => terminal.type('\x1b[12;40R\x1b[?1;2c\x1b]10;rgb:ff/ff/ff\x1b\\'), 500);
    expect(await terminal.close()).toMatchObject({ code: 4002 });
    clearInterval(replies);
    expect(await portal.ended(id)).toMatchObject({ endReason: 'idle', cleanupPending: false });
    expect(Date.now() - began).toBeGreaterThan(7_000);
    await gone(id);
  });

  it('a transfer puts it off for as long as its bytes move, as on a slow line', async () => {
    const person = await portal.visitor([await portal.role({ idleMs: 3_000 })]);
    const { id, terminal } = await person.open();
    await terminal.shows(/\$ $/);
    const tar = await tarOf('slow.txt', 'x'.repeat(4_000));
    const upload = transfer(person, id, 'PUT', '.', tar.subarray(0, 1));
    const over = Date.now() + 6_000;
    let sent = 1;
    const oneMore = () => {
      upload.more(tar.subarray(sent, (sent += 1)));
      return Date.now() > over;
    };
    await expect.poll(oneMore, { interval: 500, timeout: 10_000 }).toBe(true);
    upload.more(tar.subarray(sent));
    upload.finish();
    expect(await upload.outcome()).toBe(200);
    expect(await terminal.run('wc -c < slow.txt')).toBe('4000\r\n');
    await person.api('POST', `/sessions/${id}/end`);
  });

  it('lives through a reload, and ends when nobody comes back', async () => {
    const person = await portal.visitor([await portal.role({ detachedMs: 3_000 })]);
    const { id, terminal } = await person.open();
    await terminal.shows(/\$ $/);
    terminal.leave();
    await until(() => terminal.closed, { what: 'the close' });
    const again = await person.terminal(id).connect();
    expect(await again.run('echo back')).toBe('back\r\n');
    await until(
      async () => (await person.api<{ detachedAt: string | null }>('GET', `/sessions/${id}`)).detachedAt === null,
      {
        what: 'the attachment',
      },
    );
    again.leave();
    expect(await portal.ended(id)).toMatchObject({ endReason: 'detached' });
    await gone(id);
  });

  it('ends at the hard cap, whatever is typed or extended', async () => {
    const person = await portal.visitor([await portal.role({ hardCapMs: 5_000 })]);
    const { id, terminal } = await person.open();
    await terminal.shows(/\$ $/);
    const extended = await person.api<{ deadline: { reason: string } }>('POST', `/sessions/${id}/extend`);
    expect(extended.deadline.reason).toBe('hard-cap');
    const typing = setInterval(() => terminal.type(' '), 300);
    expect(await terminal.close()).toMatchObject({ code: 4002 });
    clearInterval(typing);
    const { openedAt, endedAt, endReason } = await portal.ended(id);
    expect(endReason).toBe('hard-cap');
    expect(endedAt.getTime() - openedAt.getTime()).toBeGreaterThanOrEqual(5_000);
    await gone(id);
  });

  it('Extend starts the idle clock anew and takes the warning back', async () => {
    const person = await portal.visitor([await portal.role({ idleMs: 5_000 })]);
    const { id, terminal } = await person.open();
    await until(() => terminal.banners.length > 0, { what: 'the warning' });
    const before = await person.api<{ deadline: { at: string } }>('GET', `/sessions/${id}`);
    const after = await person.api<{ deadline: { at: string } }>('POST', `/sessions/${id}/extend`);
    expect(new Date(after.deadline.at).getTime()).toBeGreaterThan(new Date(before.deadline.at).getTime());
    await person.api('POST', `/sessions/${id}/end`);
  });
});

describe('people', () => {
  it('opens as many as the role allows, and one more after an end', async () => {
    const person = await portal.visitor([await portal.role({ maxSessions: 1 })]);
    const { id } = await person.open();
    await expect(person.open()).rejects.toMatchObject({ status: 409, code: 'too-many-sessions' });
    await person.api('POST', `/sessions/${id}/end`);
    const { id: second } = await person.open();
    await person.api('POST', `/sessions/${second}/end`);
    expect(await portal.ended(second)).toMatchObject({ endReason: 'ended-by-person' });
    await gone(second);
  });

  it('signing out ends sessions within a second', async () => {
    const person = await portal.visitor([await portal.role()]);
    const { id, terminal } = await person.open();
    await terminal.shows(/\$ $/);
    await person.api('POST', '/sign-out');
    const began = Date.now();
    await terminal.close();
    expect(Date.now() - began).toBeLessThan(1_000);
    expect(await portal.ended(id)).toMatchObject({ endReason: 'signed-out' });
    await gone(id);
  });

  it('a sign-in that expires lets go of its sessions; its person comes back to them, and then signing out ends them', async () => {
    const person = await portal.visitor([await portal.role()]);
    // Before the portal has seen it: what it keeps of the sign-in is this.
    const expiresAt = new Date(Date.now() + 6_000);
    await portal.sql`update web_sessions set expires_at = ${expiresAt} where id = ${person.webSession}`;
    const { id, terminal } = await person.open();
    await terminal.run('head -c 50000000 /dev/zero > big');
    const download = transfer(person, id, 'GET', 'big');
    const upload = transfer(person, id, 'PUT', '.', 'the first bytes of many');
    expect((await download.answered).statusCode).toBe(200);
    expect(await terminal.close()).toMatchObject({ code: CloseCode.signedOut });
    expect(await upload.outcome()).toBe(401);
    expect(await download.outcome()).toBe('ECONNRESET');
    expect(Date.now() - expiresAt.getTime()).toBeLessThan(1_000);
    await expect(person.api('POST', `/sessions/${id}/ticket`)).rejects.toMatchObject({ status: 401 });

    const again = await person.again();
    const back = await again.terminal(id).connect();
    expect(await back.run('wc -c < big')).toBe('50000000\r\n');
    await again.api('POST', '/sign-out');
    expect(await portal.ended(id)).toMatchObject({ endReason: 'signed-out' });
    await gone(id);
  });

  it.each([
    ['the role is deleted', async (_user: string, role: string) => portal.admin('DELETE', `/roles/${role}`)],
    ['the user is disabled', async (user: string) => portal.admin('PATCH', `/users/${user}`, { disabled: true })],
  ])('a session ends when %s', async (_name, revoke) => {
    const role = await portal.role();
    const person = await portal.visitor([role]);
    const { id, terminal } = await person.open();
    await terminal.shows(/\$ $/);
    await revoke(person.id, role);
    await terminal.close();
    expect(await portal.ended(id)).toMatchObject({ endReason: 'revoked' });
    await gone(id);
  });

  it('an administrator ends another’s session; a stranger sees none of it', async () => {
    const person = await portal.visitor([await portal.role()]);
    const stranger = await portal.visitor([await portal.role()]);
    const { id } = await person.open();
    await expect(stranger.api('GET', `/sessions/${id}`)).rejects.toMatchObject({ status: 404 });
    await expect(stranger.api('POST', `/sessions/${id}/end`)).rejects.toMatchObject({ status: 404 });
    await expect(stranger.api('POST', `/sessions/${id}/ticket`)).rejects.toMatchObject({ status: 404 });
    await portal.admin('POST', `/sessions/${id}/end`);
    expect(await portal.ended(id)).toMatchObject({ endReason: 'revoked', endDetail: 'Ended by root@example.com.' });
  });

  it('needs a role that reaches the cluster, named where several do', async () => {
    const nobody = await portal.visitor(['no-role-has-this']);
    await expect(nobody.open()).rejects.toMatchObject({ status: 403, code: 'cluster-not-reachable' });
    const [one, other] = [await portal.role(), await portal.role()];
    const both = await portal.visitor([one, other]);
    await expect(both.open()).rejects.toMatchObject({ status: 409, code: 'role-ambiguous' });
    await expect(both.open({ cluster: 'elsewhere' })).rejects.toMatchObject({ status: 404, code: 'cluster-unknown' });
    const { id } = await both.open({ cluster: CLUSTER, role: other });
    await both.api('POST', `/sessions/${id}/end`);
  });
});
