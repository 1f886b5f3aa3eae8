/** A small name server on loopback: TXT records of its own, and silence where it is told to be silent (RFC 1035). */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { newId } from '../src/lib/ids.ts';
import type { Store } from '../src/store/store.ts';

export interface DnsServer {
  /** `127.0.0.1:…`, for MATRICULA_DNS. */
  address: string;
  /** Each text is one record; longer ones are sent in parts. */
  set(name: string, texts: string[]): void;
  silent(is: boolean): void;
  close(): Promise<void>;
}

const [TXT, NXDOMAIN] = [16, 3];

export async function startDns(): Promise<DnsServer> {
  const records = new Map<string, string[]>();
  let silent = false;
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    if (!silent) socket.send(answerTo(query, records), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (name, texts) => void records.set(name.toLowerCase(), texts),
    silent(is) {
      silent = is;
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** A domain as if its record had been found at `at`: a house or a bare store, and no name server. */
export async function proved(
  { store }: { store: Pick<Store, 'domains'> },
  { tenantId, domain, at = new Date() }: { tenantId: string; domain: string; at?: Date },
): Promise<void> {
  const line = { id: newId(), tenantId, at, actor: 'test', cause: 'domain', action: null, resourceType: 'Domain', resourceId: domain };
  await store.domains.add(
    { tenantId, domain, challenge: 'proved-by-a-test', held: domain, verifiedAt: at, checkedAt: at, failure: null, createdAt: at },
    { ...line, outcome: 'SUCCESS', code: 'verified', reference: null, mappingVersion: null, detail: { domain } },
  );
}

function answerTo(query: Buffer, records: ReadonlyMap<string, string[]>): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (; query[at] !== 0; at += 1 + query[at]!) labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!));
  const question = query.subarray(12, at + 5);
  const texts = records.get(labels.join('.').toLowerCase());
  const answers = (texts ?? []).map((text) => {
    const parts = text.match(/[\s\S]{1,200}/g) ?? [''];
    const data = Buffer.concat(parts.map((part) => Buffer.concat([Buffer.from([Buffer.byteLength(part)]), Buffer.from(part)])));
    // A pointer to the question's name, TXT, IN, a minute, the data.
    const head = Buffer.from([0xc0, 12, 0, TXT, 0, 1, 0, 0, 0, 60, data.length >> 8, data.length & 255]);
    return Buffer.concat([head, data]);
  });
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (texts ? 0 : NXDOMAIN), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, question, ...answers]);
}
