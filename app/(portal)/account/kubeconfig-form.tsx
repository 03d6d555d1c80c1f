'use client';
import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState } from 'react';
import type { IssuedKubeconfig } from '../../../server/http/schemas.ts';
import { api } from '../../lib/api.ts';
import { queries } from '../../lib/queries.ts';
import { save } from '../../lib/save.ts';
import { Button } from '../../ui/button.tsx';
import { ClusterField, RoleField } from '../../ui/choice-fields.tsx';
import { CopyButton } from '../../ui/copy.tsx';
import { Dialog, DialogActions } from '../../ui/dialog.tsx';
import { DialogForm } from '../../ui/dialog-form.tsx';
import { Icon } from '../../ui/glyph.tsx';
import { TextField } from '../../ui/text-field.tsx';

const FILE = 'sallyport-kubeconfig.yaml';

/** Makes a kubeconfig and hands it over, this once. */
export function KubeconfigForm({ onClose }: { onClose: () => void }) {
  const me = useQuery(queries.me());
  const [cluster, setCluster] = useState('');
  const [role, setRole] = useState('');
  const [hours, setHours] = useState(8);
  const [certificate, setCertificate] = useState(false);
  const [made, setMade] = useState<IssuedKubeconfig | null>(null);
  if (made) return <Made made={made} onClose={onClose} />;
  return (
    <Dialog open onClose={onClose} title="Make a kubeconfig">
      <DialogForm
        action="Make"
        act={async () =>
          setMade(
            await api.issueKubeconfig({
              ...(cluster ? { clusters: [cluster] } : {}),
              ...(role ? { role } : {}),
              minutes: Math.round(hours * 60),
              credential: certificate ? 'certificate' : 'token',
            }),
          )
        }
        onCancel={onClose}
      >
        <ClusterField value={cluster} onChange={setCluster} all="All that you may use, a context each" />
        <RoleField
          roles={me.data?.roles ?? []}
          value={role}
          onChange={setRole}
          hint="Where several of yours reach a cluster, say which."
        />
        <TextField
          label="Works for (hours)"
          hint="No longer than your role and the portal allow."
          type="number"
          min={1}
          max={168}
          required
          value={hours}
          onChange={(text) => setHours(Number(text))}
        />
        <label className="flex items-start gap-2">
          <input
            type="checkbox"
            className="mt-1"
            checked={certificate}
            onChange={(event) => setCertificate(event.target.checked)}
          />
          With a client certificate instead of a token, for tools that take no token
        </label>
      </DialogForm>
    </Dialog>
  );
}

function Made({ made, onClose }: { made: IssuedKubeconfig; onClose: () => void }) {
  return (
    <Dialog
      open
      onClose={onClose}
      title="Your kubeconfig"
      description="It is shown this once. Whoever has it acts as you until it expires or you revoke it."
    >
      <pre
        className="max-h-[40vh] overflow-auto rounded-md border bg-sunken px-3 py-2"
        tabIndex={0}
        aria-label="Kubeconfig"
      >
        {made.kubeconfig}
      </pre>
      <p className="mt-3 text-muted">
        Save it, then <code>export KUBECONFIG=./{FILE}</code>.
      </p>
      <DialogActions>
        <CopyButton text={made.kubeconfig} label="Copy the kubeconfig" />
        <Button onClick={() => save(new Blob([made.kubeconfig], { type: 'application/yaml' }), FILE)}>
          <Icon of={Download} /> Download
        </Button>
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </DialogActions>
    </Dialog>
  );
}
