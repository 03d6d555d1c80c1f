'use client';
import { useQuery } from '@tanstack/react-query';
import { KeyRound, OctagonAlert } from 'lucide-react';
import { useSearchParams } from 'next/navigation';
import { useState } from 'react';
import { api } from '../lib/api.ts';
import { safeReturn } from '../lib/paths.ts';
import { Mark } from '../shell/mark.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';
import { Waiting } from '../ui/layout.tsx';
import { ProblemPanel } from '../ui/problem.tsx';
import { TextField } from '../ui/text-field.tsx';
import { messageFor, noteFor } from './messages.ts';
import { signInLocally, signInWithProvider } from './round-trip.ts';

/** The door: what this portal offers to prove who one is. */
export function SignIn() {
  const search = useSearchParams();
  const options = useQuery({ queryKey: ['sign-in'], queryFn: ({ signal }) => api.signInOptions(signal) });
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState<string | null>(null);
  const [refused, setRefused] = useState<string | null>(search.get('error'));
  const [error, setError] = useState<unknown>(null);
  const returnTo = safeReturn(search.get('return') ?? search.get('callbackUrl'));
  const note = noteFor(search.get('reason'));

  const run = async (what: string, act: () => Promise<string | null>) => {
    setBusy(what);
    setError(null);
    setRefused(null);
    try {
      const code = await act();
      // Without a code the browser is leaving; the button stays busy until it has.
      if (code === null) return;
      setRefused(code);
      setPassword('');
    } catch (failure) {
      setError(failure);
    }
    setBusy(null);
  };

  const message = refused ? messageFor(refused) : null;
  return (
    <main className="grid min-h-dvh place-items-center bg-bg px-4 py-10">
      <div className="w-full max-w-[380px]">
        <div className="mb-6 flex items-center gap-3">
          <Mark size={34} />
          <div>
            <h1 className="text-[20px]">Sallyport</h1>
            <p className="text-muted">Access to Kubernetes, never its keys.</p>
          </div>
        </div>
        <div className="card p-5">
          {note && !message ? <p className="mb-4 text-muted">{note}</p> : null}
          {message ? (
            <div role="alert" className="mb-4 flex items-start gap-2.5 rounded-lg border border-bad/40 bg-bad-soft p-3">
              <Icon of={OctagonAlert} className="mt-0.5 text-bad" />
              <div>
                <p className="font-semibold">{message.title}</p>
                <p className="text-muted">{message.next}</p>
              </div>
            </div>
          ) : null}
          {error ? (
            <div className="mb-4">
              <ProblemPanel error={error} compact />
            </div>
          ) : null}
          {options.error ? (
            <ProblemPanel error={options.error} retry={() => void options.refetch()} />
          ) : options.data === undefined ? (
            <Waiting>Asking how to sign in</Waiting>
          ) : (
            <>
              <div className="space-y-2">
                {options.data.providers.map((provider) => (
                  <Button
                    key={provider.id}
                    kind="primary"
                    className="!h-9 w-full"
                    busy={busy !== null}
                    onClick={() => void run(provider.id, () => signInWithProvider(provider.id, returnTo))}
                  >
                    <Icon of={KeyRound} />
                    {busy === provider.id ? `Leaving for ${provider.name}…` : `Sign in with ${provider.name}`}
                  </Button>
                ))}
              </div>
              {options.data.providers.length && options.data.local ? (
                <p className="my-4 flex items-center gap-3 text-[12.5px] text-muted before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
                  or with a local account
                </p>
              ) : null}
              {options.data.local ? (
                <form
                  className="space-y-3"
                  onSubmit={(event) => {
                    event.preventDefault();
                    void run('local', () => signInLocally(email, password, returnTo));
                  }}
                >
                  <TextField
                    label="Email"
                    type="email"
                    name="email"
                    required
                    autoComplete="username"
                    value={email}
                    onChange={setEmail}
                  />
                  <TextField
                    label="Password"
                    type="password"
                    name="password"
                    required
                    autoComplete="current-password"
                    value={password}
                    onChange={setPassword}
                  />
                  <Button
                    type="submit"
                    kind={options.data.providers.length ? 'default' : 'primary'}
                    className="!h-9 w-full"
                    busy={busy !== null}
                  >
                    {busy === 'local' ? 'Signing in…' : 'Sign in'}
                  </Button>
                </form>
              ) : null}
              {!options.data.local && options.data.providers.length === 0 ? (
                <p>
                  No way to sign in is set up. The operator can add a provider, or a local administrator by the recovery
                  command on the server.
                </p>
              ) : null}
            </>
          )}
        </div>
        <p className="mt-4 text-[12.5px] text-muted">Sessions opened here are recorded.</p>
      </div>
    </main>
  );
}
