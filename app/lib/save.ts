/** Hands something to the browser to save as a file. */
export function save(body: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(body);
  link.download = name;
  link.click();
  // The browser has taken the blob once the click's navigation started.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
