'use client';
import { useEffect, useRef, useState } from 'react';
import { bytes } from '../lib/time.ts';
import { useNonce } from '../providers.tsx';
import { loadRecording } from './load.ts';
import { Player } from './player.ts';
import { SessionLog } from './session-log.ts';

/** A running session's recording is asked again this often. */
const LIVE_MS = 4_000;

export type RecordingState =
  | { state: 'loading'; progress: string }
  | { state: 'failed'; error: unknown }
  /** `version` changes as the recording grows. */
  | { state: 'ready'; player: Player; version: number };

/** Loads the recording at an address and makes its player; follows it while the session lives, and once after its end. */
export function useRecording(recording: string, live: boolean): RecordingState {
  const nonce = useNonce();
  // The end of the session is no reason to load all of it anew.
  const lives = useRef(live);
  useEffect(() => {
    lives.current = live;
  }, [live]);
  const [state, setState] = useState<RecordingState>({ state: 'loading', progress: '' });
  useEffect(() => {
    const abort = new AbortController();
    const log = new SessionLog();
    let player: Player | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const follow = async () => {
      const before = log.bytes;
      let goesOn = lives.current;
      try {
        await loadRecording(recording, before, (chunk) => log.push(chunk), abort.signal);
      } catch {
        // The portal is away for a moment: what is there stays, and it is asked again.
        goesOn = true;
      }
      if (abort.signal.aborted) return;
      if (log.bytes > before) setState({ state: 'ready', player: player!, version: log.bytes });
      if (goesOn) timer = setTimeout(() => void follow(), LIVE_MS);
    };
    const start = async () => {
      try {
        const goesOn = lives.current;
        const made = Player.make(log, nonce);
        await loadRecording(
          recording,
          0,
          (chunk) => {
            log.push(chunk);
            setState({ state: 'loading', progress: bytes(log.bytes) });
          },
          abort.signal,
        );
        player = await made;
        if (abort.signal.aborted) return player.dispose();
        setState({ state: 'ready', player, version: log.bytes });
        if (goesOn) timer = setTimeout(() => void follow(), LIVE_MS);
      } catch (error) {
        if (!abort.signal.aborted) setState({ state: 'failed', error });
      }
    };
    void start();
    return () => {
      abort.abort();
      clearTimeout(timer);
      player?.dispose();
    };
  }, [recording, nonce]);
  return state;
}
