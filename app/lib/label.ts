/** RFC 1123: what names clusters, roles and namespaces; as the pattern of an input has it. */
export const LABEL = '[a-z0-9]([\\-a-z0-9]{0,61}[a-z0-9])?';
const whole = new RegExp(`^${LABEL}$`);

export function isLabel(text: string): boolean {
  return whole.test(text);
}
