/** The log: one JSON line per event on standard output. Names that may carry secrets are censored wherever they stand. */
import { pino } from 'pino';

export interface Log {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

const SECRET = ['password', 'secret', 'token', 'authorization', 'cookie', 'SAMLResponse', 'code', 'client_secret', 'privateKey'];

export const silentLog: Log = { info() {}, warn() {}, error() {} };

/** `level`: pino's. JSON escapes line breaks, so nothing that comes from outside can forge a line. */
export function createLog(level: string, destination: NodeJS.WritableStream = process.stdout): Log {
  const paths = SECRET.flatMap((name) => [`headers.${name}`, `query.${name}`, `body.${name}`, `secrets.${name}`]);
  return pino({ level, redact: { paths, censor: '[secret]' }, timestamp: pino.stdTimeFunctions.isoTime, base: null }, destination);
}
