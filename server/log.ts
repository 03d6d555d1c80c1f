/**
 * Structured logs: one JSON object a line. No token, cookie or password ever stands in one: known fields are cut by
 * name, and whatever looks like a credential is cut from the finished line, wherever it hides.
 */
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { errorText, redactText } from './domain/redaction.ts';

export type Logger = PinoLogger;
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_FIELDS = [
  'password',
  'passwordHash',
  'token',
  'ticket',
  'secret',
  'hostSecret',
  'clientSecret',
  'cookie',
  'authorization',
  'credential',
  'kubeconfig',
  'codeVerifier',
];

/** Subsystems take a child each: `log.child({ part: 'gateway' })`. */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: [
        ...SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]),
        'headers["set-cookie"]',
        'headers["cookie"]',
        'headers["authorization"]',
        '*.headers["set-cookie"]',
        '*.headers["cookie"]',
        '*.headers["authorization"]',
      ],
      censor: '[redacted]',
    },
    serializers: { err: (error: unknown) => (error instanceof Error ? errorText(error) : error) },
    hooks: { streamWrite: redactText },
  };
  return destination ? pino(options, destination) : pino(options);
}
