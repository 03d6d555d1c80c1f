/** What forms of the pages begin with and offer, held against the portal: pages import its types, and no code of it. */
import { expect, it } from 'vitest';
import { openPolicy } from '../app/(portal)/roles/policy.ts';
import { verbs } from '../app/ui/verb-boxes.tsx';
import { OPEN_POLICY } from '../server/domain/api-policy.ts';
import { LINK_VERBS } from '../server/domain/link-grant.ts';

it('a new role’s form begins with what the portal has where nothing is said', () => {
  expect(openPolicy).toEqual(OPEN_POLICY);
});

it('every verb that a link may have is offered', () => {
  expect(verbs).toEqual([...LINK_VERBS]);
});
