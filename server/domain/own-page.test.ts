import { expect, it } from 'vitest';
import { ambientRefusal, foreignPageRefusal } from './own-page.ts';

const OWN = 'https://board.apps.example';
const page = { method: 'GET', upgrade: false, origin: undefined, site: undefined, mode: undefined, dest: undefined };

it.each([
  // Its own pages.
  [{ site: 'same-origin' }, true],
  [{ site: 'same-origin', origin: OWN, method: 'POST' }, true],
  [{ origin: OWN, method: 'DELETE' }, true],
  [{ origin: OWN, upgrade: true }, true],
  // A form of a page that sends no referrer has the origin null (Fetch, 3.2).
  [{ origin: 'null', site: 'same-origin', method: 'POST' }, true],
  // Somebody types the address, or follows a link.
  [{ site: 'none', mode: 'navigate', dest: 'document' }, true],
  [{ site: 'cross-site', mode: 'navigate', dest: 'document' }, true],
  // Cross-site request forgery (CVE-2020-8554's kin of dashboards), from outside and from the origin next door.
  [{ origin: 'https://evil.example', method: 'POST' }, false],
  [{ origin: 'https://other.apps.example', site: 'same-site', method: 'POST' }, false],
  [{ origin: 'null', method: 'POST' }, false],
  [{ origin: 'null', site: 'cross-site', method: 'POST' }, false],
  [{ method: 'POST' }, false],
  [{ method: 'POST', site: 'same-site' }, false],
  [{ method: 'POST', site: 'none' }, false],
  // Cross-site WebSocket hijacking (CVE-2024-22413's kin).
  [{ origin: 'https://evil.example', upgrade: true }, false],
  [{ origin: `${OWN}:444`, upgrade: true }, false],
  [{ origin: OWN.replace('https', 'http'), upgrade: true }, false],
  [{ upgrade: true }, false],
  // Leaks by images, scripts and frames of another page.
  [{ site: 'same-site', mode: 'no-cors', dest: 'image' }, false],
  [{ site: 'cross-site', mode: 'no-cors', dest: 'script' }, false],
  [{ site: 'same-site', mode: 'navigate', dest: 'iframe' }, false],
  [{ site: 'cross-site', mode: 'navigate', dest: 'document', origin: 'https://evil.example' }, false],
  [{ site: 'cross-site', mode: 'cors', dest: 'empty' }, false],
])('%j: %s', (facts, passes) => {
  expect(foreignPageRefusal({ ...page, ...facts }, OWN) === null).toBe(passes);
});

it.each([
  // Programs.
  [{}, true],
  [{ origin: 'https://gateway.example:6443' }, true],
  [{ origin: 'http://gateway.example:6443' }, true],
  // Pages, by a certificate that the browser has.
  [{ origin: 'https://evil.example' }, false],
  [{ origin: 'https://gateway.example' }, false],
  [{ origin: 'null' }, false],
  [{ site: 'cross-site' }, false],
  [{ site: 'same-site' }, false],
  // Typed into the address bar.
  [{ site: 'none' }, true],
])('with a certificate alone, %j: %s', (facts, passes) => {
  const refused = ambientRefusal({ origin: undefined, site: undefined, ...facts }, 'gateway.example:6443');
  expect(refused === null).toBe(passes);
});
