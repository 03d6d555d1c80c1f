/**
 * The emulator answers programs that ask it things (where is the cursor, what are you). Output that an earlier page
 * has answered must not be answered again: the program no longer waits, and its shell would read the reply as typing.
 */
const reply = new RegExp(
  [
    '\\x1b\\[[?>=]?[\\d;]*c', // device attributes
    '\\x1b\\[\\??[\\d;]*[Rn]', // cursor position, status
    '\\x1b\\[\\??[\\d;]*\\$y', // mode report
    '\\x1b\\[[\\d;]*t', // window report
    '\\x1b\\[\\?[\\d;]*u', // keyboard mode
    '\\x1b\\[[IO]', // focus
    '\\x1bP[^\\x1b]*\\x1b\\\\', // settings, version
    '\\x1b\\][\\d;]+[^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)', // colours
  ].join('|'),
  'y',
);

/** Whether the data is made of nothing but an emulator's replies. */
export function isReply(data: string): boolean {
  let at = 0;
  while (at < data.length) {
    reply.lastIndex = at;
    const match = reply.exec(data);
    if (!match) return false;
    at = reply.lastIndex;
  }
  return data.length > 0;
}
