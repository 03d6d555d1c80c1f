/** Whether an error says that the database is not there, rather than that a question to it was wrong. Pure. */

/** Of the driver (postgres.js), and of Postgres: class 57P is a server that stops or starts, 53300 one that is full. */
const CODES = /^(CONNECTION_(CLOSED|ENDED|DESTROYED)|CONNECT_TIMEOUT|57P0[1-3]|53300)$/;
/** Of the system; they mean the database only beneath a failed query. */
const NETWORK = /^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;

export function isDatabaseAway(error: unknown, ofQuery = false): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, query, cause } = error as { code?: unknown; query?: unknown; cause?: unknown };
  const asked = ofQuery || typeof query === 'string';
  if (typeof code === 'string' && (CODES.test(code) || (asked && NETWORK.test(code)))) return true;
  return isDatabaseAway(cause, asked);
}
