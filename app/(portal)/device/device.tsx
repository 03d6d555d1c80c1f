'use client';
import { CircleCheck, CircleX } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import type { CliRequest } from '../../../server/http/schemas.ts';
import { Consent } from '../../cli-sign-in/consent.tsx';
import { api } from '../../lib/api.ts';
import { paths } from '../../lib/paths.ts';
import { Button } from '../../ui/button.tsx';
import { Icon } from '../../ui/glyph.tsx';
import { PageBody } from '../../ui/layout.tsx';
import { ProblemPanel } from '../../ui/problem.tsx';
import { TextField } from '../../ui/text-field.tsx';

type Decision = 'approve' | 'deny';

/** The verification page of a device: its code is typed here, and who stands behind it is looked at and decided on. */
export function Device() {
  const [code, setCode] = useState('');
  const [request, setRequest] = useState<CliRequest | null>(null);
  const [decided, setDecided] = useState<Decision | null>(null);
  return (
    <PageBody title="Sign in a device">
      {decided ? (
        <Decided decision={decided} />
      ) : request ? (
        <Consent
          request={request}
          decide={async (decision) => {
            await api.decideCliDevice({ userCode: code, decision });
            setDecided(decision);
          }}
        />
      ) : (
        <CodeForm code={code} setCode={setCode} found={setRequest} />
      )}
    </PageBody>
  );
}

function CodeForm({
  code,
  setCode,
  found,
}: {
  code: string;
  setCode: (code: string) => void;
  found: (request: CliRequest) => void;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const lookUp = async () => {
    setBusy(true);
    setError(null);
    try {
      found(await api.lookUpCliDevice(code));
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <form
      className="card max-w-[640px] space-y-4 p-5"
      aria-label="Code"
      onSubmit={(event) => {
        event.preventDefault();
        void lookUp();
      }}
    >
      <p>
        <strong>Only go on if you started this yourself</strong>, with <code>sallyport login --device</code>. Nobody of
        this portal ever sends you a code.
      </p>
      <TextField
        label="Code"
        hint="Eight letters, as the device shows them."
        required
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        maxLength={16}
        className="max-w-[220px] font-mono tracking-[0.12em] uppercase"
        value={code}
        onChange={setCode}
      />
      {error ? <ProblemPanel error={error} compact /> : null}
      <Button type="submit" kind="primary" busy={busy}>
        Go on
      </Button>
    </form>
  );
}

function Decided({ decision }: { decision: Decision }) {
  return (
    <section className="card max-w-[640px] p-5" role="status">
      {decision === 'approve' ? (
        <>
          <p className="flex items-center gap-2 font-semibold">
            <Icon of={CircleCheck} className="text-ok" /> The device is allowed.
          </p>
          <p className="mt-1 text-muted">
            Go back to it: it signs in within seconds. Its token is then in the list of your{' '}
            <Link href={paths.account()} className="link">
              account page
            </Link>
            , where you can revoke it.
          </p>
        </>
      ) : (
        <>
          <p className="flex items-center gap-2 font-semibold">
            <Icon of={CircleX} className="text-bad" /> The device was denied.
          </p>
          <p className="mt-1 text-muted">
            It got nothing. If you did not start it, tell an administrator what you saw.
          </p>
        </>
      )}
    </section>
  );
}
