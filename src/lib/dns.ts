/** dns: TXT records, asked of the system's name server or of one that was set. */
import { Resolver } from 'node:dns/promises';

const TIMEOUT_MS = 5000;
const TRIES = 2;
const NOTHING = new Set(['ENODATA', 'ENOTFOUND']);

/** The records' texts, the parts of each joined; none where there is nothing. Rejects where the name server does not answer. `server`: `127.0.0.1:5353`. */
export function createResolveTxt(server: string | null): (name: string) => Promise<string[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (server !== null) resolver.setServers([server]);
  return async (name) => {
    try {
      return (await resolver.resolveTxt(name)).map((parts) => parts.join(''));
    } catch (error) {
      if (NOTHING.has((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw error;
    }
  };
}
