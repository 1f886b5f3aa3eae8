/** A browser as far as measuring needs one: keeps cookies, follows nothing by itself, keeps its connections open. */
import { Agent, request as send } from 'node:http';

export interface Answer {
  status: number;
  /** Absolute; null where there is none. */
  location: string | null;
  body: string;
}

export interface Client {
  get(url: string): Promise<Answer>;
  post(url: string, fields: Record<string, string>): Promise<Answer>;
}

const agent = new Agent({ keepAlive: true });

/** `ip`: what a proxy would say of the client's address; rate limits count by it. */
export function createClient(ip: string): Client {
  const jars = new Map<string, Map<string, string>>();

  function request(url: string, { method, body }: { method: string; body?: string }): Promise<Answer> {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = {
      accept: 'text/html',
      'x-forwarded-for': ip,
      ...(cookie !== '' && { cookie }),
      ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }),
    };
    return new Promise((resolve, reject) => {
      const sent = send(url, { method, agent, headers }, (response) => {
        for (const line of response.headers['set-cookie'] ?? []) keep(jar, line);
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { location } = response.headers;
          const next = location === undefined ? null : new URL(location, url).href;
          resolve({ status: response.statusCode ?? 0, location: next, body: Buffer.concat(chunks).toString() });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  return {
    get: (url) => request(url, { method: 'GET' }),
    post: (url, fields) => request(url, { method: 'POST', body: new URLSearchParams(fields).toString() }),
  };
}

/** The connections of all clients are closed. */
export const hangUp = (): void => agent.destroy();

function keep(jar: Map<string, string>, line: string): void {
  const [pair = ''] = line.split(';');
  const at = pair.indexOf('=');
  if (/expires=thu, 01 jan 1970/i.test(line)) jar.delete(pair.slice(0, at));
  else jar.set(pair.slice(0, at), pair.slice(at + 1));
}

let clients = 0;
/** A client from an address that nobody had before, so that rate limits count without ever being reached. */
export function newClient(): Client {
  clients += 1;
  return createClient(`10.${(clients >> 16) & 255}.${(clients >> 8) & 255}.${clients & 255}`);
}
