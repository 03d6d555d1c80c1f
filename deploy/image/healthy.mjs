// The image's health check: exits with 0 where the process of this container answers.
// `healthy.mjs web` asks the page server; without an argument, the portal.
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';

const web = process.argv[2] === 'web';
const tls = !web && process.env.SALLYPORT_TLS_CERT;
const ask = (tls ? secure : plain)({
  host: '127.0.0.1',
  port: web ? (process.env.PORT ?? 3000) : (process.env.SALLYPORT_PORT ?? 8080),
  path: web ? '/sign-in' : '/healthz',
  timeout: 4_000,
  rejectUnauthorized: false, // the certificate names the public host; this asks whether the process lives
});
ask.once('response', (answer) => process.exit(answer.statusCode < 400 ? 0 : 1));
ask.once('timeout', () => process.exit(1));
ask.once('error', () => process.exit(1));
ask.end();
