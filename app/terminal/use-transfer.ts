'use client';
import { useRef, useState } from 'react';
import type { Progress } from './transfer.ts';

export type Transfer =
  | { state: 'idle' }
  | { state: 'running'; what: string; done: number; total: number | null }
  | { state: 'done'; what: string }
  | { state: 'failed'; error: unknown };

/** One transfer at a time, with its progress and a way to stop it. */
export function useTransfer() {
  const [transfer, setTransfer] = useState<Transfer>({ state: 'idle' });
  const abort = useRef<AbortController>(null);
  const run = async (
    what: string,
    act: (progress: Progress, signal: AbortSignal) => Promise<string>,
  ): Promise<void> => {
    abort.current?.abort();
    const controller = new AbortController();
    abort.current = controller;
    setTransfer({ state: 'running', what, done: 0, total: null });
    try {
      const done = await act(
        (count, total) => setTransfer({ state: 'running', what, done: count, total }),
        controller.signal,
      );
      setTransfer({ state: 'done', what: done });
    } catch (error) {
      setTransfer(controller.signal.aborted ? { state: 'idle' } : { state: 'failed', error });
    }
  };
  return { transfer, run, stop: () => abort.current?.abort(), reset: () => setTransfer({ state: 'idle' }) };
}
