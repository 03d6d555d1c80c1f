'use client';
import { Upload } from 'lucide-react';
import { useState, type DragEvent } from 'react';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/glyph.tsx';
import { HOME } from './files-dialog.tsx';
import { upload } from './transfer.ts';
import { TransferState } from './transfer-state.tsx';
import { useTransfer } from './use-transfer.ts';

/** Files dropped onto a terminal are uploaded to the home folder. */
export function useDropUpload(sessionId: string, enabled: boolean) {
  const [over, setOver] = useState(false);
  const { transfer, run, stop, reset } = useTransfer();
  const hasFiles = (event: DragEvent) => enabled && event.dataTransfer.types.includes('Files');
  const handlers = {
    onDragOver: (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: (event: DragEvent) => {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
    },
    onDrop: (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      const files = [...event.dataTransfer.files];
      const what = files.length === 1 ? files[0]!.name : `${files.length} files`;
      void run(`Uploading ${what}`, async (progress, signal) => {
        await upload(
          sessionId,
          HOME,
          files.map((file) => ({ name: file.name, file })),
          progress,
          signal,
        );
        return `Uploaded ${what} to ${HOME}`;
      });
    },
  };
  const overlay = over ? (
    <div className="pointer-events-none absolute inset-0 z-20 grid place-items-center border-2 border-dashed border-accent bg-accent-soft/90">
      <p className="flex items-center gap-2 font-semibold">
        <Icon of={Upload} size={18} /> Upload to {HOME}
      </p>
    </div>
  ) : transfer.state === 'idle' ? null : (
    <div className="card absolute right-4 bottom-4 z-20 w-[min(360px,90%)] p-3 shadow-pop">
      <TransferState transfer={transfer} onStop={stop} />
      {transfer.state === 'running' ? null : (
        <Button size="sm" className="mt-2" onClick={reset}>
          Close
        </Button>
      )}
    </div>
  );
  return { handlers, overlay };
}
