/** The product's mark: a gate with a way through it. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <path d="M3 21V9.5C3 5.4 7 2.5 12 2.5s9 2.9 9 7V21" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
      <path d="M8 21v-9.2C8 9.6 9.8 8 12 8s4 1.6 4 3.8V21" fill="var(--accent)" />
      <path d="M1.5 21h21" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
    </svg>
  );
}
