'use client';
import { Plus, X } from 'lucide-react';
import { Button } from '../../ui/button.tsx';
import { splitList } from '../../ui/field.tsx';
import { Icon } from '../../ui/glyph.tsx';

const titles: Record<string, string> = {
  verbs: 'Verbs',
  apiGroups: 'API groups',
  resources: 'Resources',
  namespaces: 'Namespaces',
  names: 'Names',
  methods: 'Methods',
  path: 'Path',
};
/** Lists that may be left empty stand for all. */
const all: Record<string, string> = { namespaces: 'all', names: 'all' };

/**
 * Rules, a row each, their lists as words between commas. `core` is the API group without a name.
 * What is typed is kept as it is until the field is left.
 */
export function RuleRows<R extends Record<string, string | string[]>>({
  label,
  hint,
  fields,
  fresh,
  rules,
  onChange,
}: {
  label: string;
  hint: string;
  fields: (keyof R & string)[];
  /** A new row. */
  fresh: R;
  rules: R[];
  onChange: (rules: R[]) => void;
}) {
  const set = (at: number, change: Partial<R>) =>
    onChange(rules.map((rule, index) => (index === at ? { ...rule, ...change } : rule)));
  return (
    <fieldset>
      <legend className="font-medium">{label}</legend>
      <p className="mb-2 text-[12.5px] text-muted">{hint}</p>
      <ul className="space-y-2" aria-label={label}>
        {rules.map((rule, at) => (
          // Rows have no identity but their place, and their fields keep what is typed by themselves.
          <li key={`${at} of ${rules.length}`} className="flex items-end gap-2">
            <div className="grid min-w-0 flex-1 grid-cols-2 gap-2 sm:flex">
              {fields.map((field) => (
                <label key={field} className="block min-w-0 flex-1 text-[12.5px] text-muted">
                  {titles[field]}
                  <input
                    className="input font-mono text-[12.5px]"
                    spellCheck={false}
                    required={!(field in all)}
                    placeholder={all[field] ?? ''}
                    defaultValue={shown(rule[field]!)}
                    onChange={({ target }) => set(at, { [field]: typed(rule[field]!, target.value) } as Partial<R>)}
                  />
                </label>
              ))}
            </div>
            <Button
              size="sm"
              onClick={() => onChange(rules.toSpliced(at, 1))}
              aria-label={`Remove rule ${at + 1}: ${label}`}
            >
              <Icon of={X} />
            </Button>
          </li>
        ))}
      </ul>
      <Button
        size="sm"
        className="mt-2"
        onClick={() => onChange([...rules, fresh])}
        aria-label={`Add a rule: ${label}`}
      >
        <Icon of={Plus} /> Add a rule
      </Button>
    </fieldset>
  );
}

function shown(value: string | string[]): string {
  return typeof value === 'string' ? value : value.map((word) => word || 'core').join(', ');
}

function typed(before: string | string[], text: string): string | string[] {
  return typeof before === 'string' ? text.trim() : splitList(text).map((word) => (word === 'core' ? '' : word));
}
