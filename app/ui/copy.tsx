'use client';
import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { Button } from './button.tsx';
import { Icon } from './glyph.tsx';

/** Copies `text`; says so where it happened. */
export function CopyButton({ text, label, bare }: { text: string; label: string; bare?: boolean }) {
  const [copied, setCopied] = useState(false);
  return (
    <Button
      size="sm"
      kind={bare ? 'ghost' : 'default'}
      icon={bare}
      // Within a line of text it makes the line no higher.
      className={bare ? '-my-1.5 align-middle' : ''}
      aria-label={label}
      title={label}
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => {
          setCopied(true);
          setTimeout(() => setCopied(false), 1500);
        });
      }}
    >
      <Icon of={copied ? Check : Copy} size={13} />
      {bare ? null : copied ? 'Copied' : 'Copy'}
      <span role="status" className="sr-only">
        {copied ? 'Copied' : ''}
      </span>
    </Button>
  );
}
