/** Whether a key belongs to where the person types: then no single-key shortcut may take it. */
export function typing(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && /^(range|checkbox|radio)$/.test(target.type)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || inTerminal(event);
}

/** Whether the key goes to a terminal, which owns every key except the few in the list of shortcuts. */
export function inTerminal(event: KeyboardEvent): boolean {
  return event.target instanceof HTMLElement && event.target.closest('[data-terminal]') !== null;
}
