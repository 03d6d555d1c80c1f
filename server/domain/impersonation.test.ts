import { describe, expect, it } from 'vitest';
import { impersonationHeaders } from './impersonation.ts';

const ann = { user: 'ann@example.com', uid: 'u-1', groups: ['devs', 'on call'], sessionId: 's-1' };

it('is the person, with each group in a header of its own', () => {
  expect(impersonationHeaders(ann, null)).toEqual([
    'impersonate-user',
    'ann@example.com',
    'impersonate-uid',
    'u-1',
    'impersonate-group',
    'devs',
    'impersonate-group',
    'on call',
    'impersonate-extra-sallyport-session',
    's-1',
  ]);
});

it('is whom they act as, with the person beside it and none of the person’s groups', () => {
  expect(impersonationHeaders(ann, { user: 'bot', groups: ['bots'] })).toEqual([
    'impersonate-user',
    'bot',
    'impersonate-group',
    'bots',
    'impersonate-extra-sallyport-session',
    's-1',
    'impersonate-extra-sallyport-user',
    'ann@example.com',
  ]);
});

describe('nobody of the system’s', () => {
  it.each([
    { user: 'system:admin' },
    { user: ' System:masters' },
    { groups: ['devs', 'system:masters'] },
    { groups: ['SYSTEM:nodes'] },
    { user: '' },
    { groups: [' '] },
    // What would end the header and begin another.
    { user: 'ann\r\nImpersonate-Group: system:masters' },
    { groups: ['devs\n'] },
  ])('%j', (change) => {
    expect(impersonationHeaders({ ...ann, ...change }, null)).toMatchObject({ refused: { code: 'identity-reserved' } });
  });

  it('not as whom somebody asks to act, either', () => {
    expect(impersonationHeaders(ann, { user: 'bot', groups: ['system:masters'] })).toHaveProperty('refused');
  });
});

it('carries other scripts as UTF-8', () => {
  const headers = impersonationHeaders({ ...ann, user: 'žofie@example.com' }, null) as string[];
  expect(Buffer.from(headers[1]!, 'latin1').toString('utf8')).toBe('žofie@example.com');
});
