'use client';
import { Download, Upload } from 'lucide-react';
import { useRef, useState } from 'react';
import type { Session } from '../../server/http/schemas.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/glyph.tsx';
import { TextField } from '../ui/text-field.tsx';
import { download, upload } from './transfer.ts';
import { TransferState } from './transfer-state.tsx';
import { useTransfer } from './use-transfer.ts';

/** Where a shell starts, and where dropped files land. */
export const HOME = '/home/sallyport';

/** Files to and from a session's sandbox. */
export function FilesDialog({ session, open, onClose }: { session: Session; open: boolean; onClose: () => void }) {
  const [folder, setFolder] = useState(HOME);
  const [path, setPath] = useState('');
  const picker = useRef<HTMLInputElement>(null);
  const { transfer, run, stop, reset } = useTransfer();
  const close = () => {
    stop();
    reset();
    onClose();
  };
  const send = (files: File[]) => {
    if (!files.length) return;
    const what = files.length === 1 ? files[0]!.name : `${files.length} files`;
    void run(`Uploading ${what}`, async (progress, signal) => {
      await upload(
        session.id,
        folder,
        files.map((file) => ({ name: file.name, file })),
        progress,
        signal,
      );
      return `Uploaded ${what} to ${folder}`;
    });
  };
  const fetchFile = () =>
    void run(`Downloading ${path}`, async (progress, signal) => {
      const name = await download(session.id, path.startsWith('/') ? path : `${HOME}/${path}`, progress, signal);
      return `Downloaded ${name}`;
    });
  return (
    <Dialog
      open={open}
      onClose={close}
      title="Files"
      description="Up to 256 MiB each time. Transfers are recorded: name and size, not the content."
    >
      <section className="space-y-3">
        <TextField
          label="Upload into the folder"
          className="font-mono"
          value={folder}
          spellCheck={false}
          onChange={setFolder}
        />
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label="Files to upload"
          onChange={(event) => {
            send([...(event.target.files ?? [])]);
            event.target.value = '';
          }}
        />
        <Button
          onClick={() => picker.current?.click()}
          blocked={transfer.state === 'running' ? 'a transfer is running' : null}
        >
          <Icon of={Upload} /> Choose files…
        </Button>
        <p className="text-[12.5px] text-muted">Or drop files onto the terminal; they land in {HOME}.</p>
      </section>
      <form
        className="mt-4 space-y-3 border-t pt-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (path) fetchFile();
        }}
      >
        <TextField
          label="Download the file or folder"
          hint={`Without a leading / it is looked for in ${HOME}.`}
          className="font-mono"
          value={path}
          placeholder="report.txt"
          spellCheck={false}
          onChange={setPath}
        />
        <Button
          type="submit"
          blocked={path === '' ? 'name a file first' : transfer.state === 'running' ? 'a transfer is running' : null}
        >
          <Icon of={Download} /> Download
        </Button>
      </form>
      {transfer.state === 'idle' ? null : (
        <div className="mt-4 border-t pt-4">
          <TransferState transfer={transfer} onStop={stop} />
        </div>
      )}
    </Dialog>
  );
}
