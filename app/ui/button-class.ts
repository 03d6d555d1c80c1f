export type Kind = 'default' | 'primary' | 'prod' | 'danger' | 'ghost';

/** The looks of a button, for links that are drawn as one. */
export function buttonClass(kind: Kind = 'default', size: 'md' | 'sm' = 'md', icon = false): string {
  return ['btn', kind !== 'default' && `btn-${kind}`, size === 'sm' && 'btn-sm', icon && 'btn-icon']
    .filter(Boolean)
    .join(' ');
}
