import { CircleCheck, TriangleAlert } from 'lucide-react';
import type { ClusterTest } from '../../../../server/http/schemas.ts';
import { Icon } from '../../../ui/glyph.tsx';

/** What a test of a cluster's credentials found: each missing permission by name. */
export function TestResult({ result }: { result: ClusterTest }) {
  return (
    <div
      role="status"
      className={`rounded-lg border px-4 py-3 ${result.ok ? 'border-ok/40' : 'border-warn/40 bg-warn-soft'}`}
    >
      <p className={`flex items-center gap-2 font-semibold ${result.ok ? 'text-ok' : 'text-warn'}`}>
        <Icon of={result.ok ? CircleCheck : TriangleAlert} />
        {result.ok ? 'The test passed' : 'The test did not pass'}
      </p>
      <p className="mt-1">
        {result.version ? `Kubernetes ${result.version}` : 'No version was read'}
        {result.latencyMs === null ? '' : `, answered in ${Math.round(result.latencyMs)} ms`}
      </p>
      {result.message ? <p className="mt-1 break-words">{result.message}</p> : null}
      {result.missingPermissions.length ? (
        <>
          <p className="mt-2 font-medium">The account lacks:</p>
          <ul className="mt-1 list-disc space-y-0.5 pl-5">
            {result.missingPermissions.map((permission) => (
              <li key={permission}>
                <code>{permission}</code>
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </div>
  );
}
