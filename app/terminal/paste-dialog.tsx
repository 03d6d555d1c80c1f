'use client';
import { Button } from '../ui/button.tsx';
import { Dialog, DialogActions } from '../ui/dialog.tsx';
import type { PasteQuestion } from './paste.ts';

/** Shows what is about to be pasted: each line of it may run. */
export function PasteDialog({
  question,
  onAnswer,
}: {
  question: PasteQuestion | null;
  onAnswer: (yes: boolean) => void;
}) {
  if (!question) return null;
  const { lines, chars, preview, more } = question;
  return (
    <Dialog
      open
      onClose={() => onAnswer(false)}
      wide
      title={lines > 1 ? `Paste ${lines.toLocaleString('en')} lines?` : 'Paste this line?'}
      description={`${chars.toLocaleString('en')} characters. A line that ends runs as a command, unless the program takes pastes as text.`}
    >
      <pre
        tabIndex={0}
        aria-label="What is pasted"
        className="max-h-[40vh] overflow-auto rounded-md border bg-sunken p-3 text-[12.5px]"
      >
        {preview.join('\n')}
        {more ? `\n… ${more.toLocaleString('en')} more lines` : ''}
      </pre>
      <DialogActions>
        <Button onClick={() => onAnswer(false)}>Cancel</Button>
        <Button kind="primary" autoFocus onClick={() => onAnswer(true)}>
          Paste
        </Button>
      </DialogActions>
    </Dialog>
  );
}
