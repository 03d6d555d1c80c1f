'use client';
import type { IssueLink } from '../../server/http/schemas.ts';

export type Verb = NonNullable<IssueLink['verbs']>[number];
export const verbs: Verb[] = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'connect',
];

/** What a link is for. */
export function VerbBoxes({ chosen, onChange }: { chosen: Verb[]; onChange: (verbs: Verb[]) => void }) {
  return (
    <fieldset>
      <legend className="mb-1 font-medium">Verbs</legend>
      <div className="flex flex-wrap gap-x-4 gap-y-1">
        {verbs.map((verb) => (
          <label key={verb} className="flex items-center gap-1.5">
            <input
              type="checkbox"
              checked={chosen.includes(verb)}
              onChange={({ target }) =>
                onChange(verbs.filter((one) => (one === verb ? target.checked : chosen.includes(one))))
              }
            />
            {verb}
          </label>
        ))}
      </div>
      <p className="mt-1 text-[12.5px] text-muted">connect: exec, attach, port-forward and WebSockets.</p>
    </fieldset>
  );
}
