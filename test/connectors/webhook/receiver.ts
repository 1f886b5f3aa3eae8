/**
 * An application that receives webhooks, as the Standard Webhooks specification asks of it: real HTTP on loopback; signatures are checked by the reference
 * library; a message whose id it has seen is taken and changes nothing. What it has been told is its state.
 */
import { createPublicKey, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { EnrolmentsData, LearnerData } from '../../../src/connectors/webhook/messages.ts';

export interface Received {
  id: string;
  headers: IncomingHttpHeaders;
  body: string;
}
export type Answer = { status: number; headers?: Record<string, string>; body?: string } | 'cut';

export interface Learner {
  data: LearnerData;
  targets: string[];
}

export interface Receiver {
  url: string;
  /** Every POST that came, in order, whatever it was answered with. */
  received: Received[];
  learners: Map<string, Learner>;
  /** Its own secrets; a message counts when one of them made one of its signatures. */
  secrets: string[];
  /** What it answers instead of doing anything, until it is null again. */
  instead: Answer | null;
  /** The next messages are taken, and their answers lost. */
  loses: number;
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

/** `now`: where its clock is not the machine's. */
export async function startReceiver(secrets: string[], now?: () => Date): Promise<Receiver> {
  let server = createServer();
  let port = 0;
  const seen = new Set<string>();
  const receiver: Receiver = {
    url: '',
    received: [],
    learners: new Map(),
    secrets,
    instead: null,
    loses: 0,
    down: () => stop(),
    up: async () => {
      receiver.instead = null;
      if (!server.listening) await listen();
    },
    close: () => stop(),
  };

  async function listen(): Promise<void> {
    server = createServer((request, response) => void handle(request, response).catch((error: Error) => response.writeHead(500).end(error.message)));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
    receiver.url = `http://127.0.0.1:${port}/hooks/matricula`;
  }
  const stop = () =>
    new Promise<void>((resolve) => {
      if (!server.listening) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray()).toString();
    if (request.method === 'POST') receiver.received.push({ id: String(request.headers['webhook-id']), headers: request.headers, body });
    if (receiver.instead === 'cut') return void response.destroy();
    if (receiver.instead) return void response.writeHead(receiver.instead.status, receiver.instead.headers).end(receiver.instead.body);
    if (request.method !== 'POST') return void response.writeHead(405).end();
    if (!receiver.secrets.some((secret) => isSigned(secret, request.headers, body, now))) return void response.writeHead(401).end();
    take(String(request.headers['webhook-id']), JSON.parse(body));
    if (receiver.loses > 0) {
      receiver.loses--;
      return void response.destroy();
    }
    response.writeHead(204).end();
  }

  function take(id: string, { type, data }: { type: string; data: LearnerData | EnrolmentsData }): void {
    if (seen.has(id)) return;
    if (type === 'learner.updated') {
      const learner = data as LearnerData;
      receiver.learners.set(learner.id, { data: learner, targets: receiver.learners.get(learner.id)?.targets ?? [] });
    } else if (type === 'enrolments.changed') change(data as EnrolmentsData);
    else throw new Error(`a message of an unknown type: ${type}`);
    seen.add(id);
  }

  /** What is said to be there in the end has to be what the changes come to. */
  function change({ learner: id, added, removed, enrolments }: EnrolmentsData): void {
    const learner = receiver.learners.get(id);
    if (!learner) throw new Error('nobody has told of this learner');
    const gone = removed.map(({ target }) => target);
    const targets = [...new Set([...learner.targets.filter((target) => !gone.includes(target)), ...added.map(({ target }) => target)])].sort();
    const told = enrolments?.map(({ target }) => target).sort();
    if (told && JSON.stringify(told) !== JSON.stringify(targets)) throw new Error(`told of ${told}, and the changes come to ${targets}`);
    learner.targets = targets;
  }

  await listen();
  return receiver;
}

/** `whsec_` by the reference library, `whpk_` (which it does not know) by Node. */
export function isSigned(secret: string, headers: IncomingHttpHeaders, body: string, now?: () => Date): boolean {
  if (secret.startsWith('whpk_')) return isSignedBy(secret, headers, body);
  if (now) return isSignedAt(now(), { secret, headers, body });
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

/** The reference library knows the machine's clock only when it verifies. */
function isSignedAt(now: Date, { secret, headers, body }: { secret: string; headers: IncomingHttpHeaders; body: string }): boolean {
  const at = Number(headers['webhook-timestamp']) * 1000;
  if (!(Math.abs(now.getTime() - at) <= TOLERANCE_MS)) return false;
  const signature = new Webhook(secret).sign(String(headers['webhook-id']), new Date(at), body);
  return String(headers['webhook-signature']).split(' ').includes(signature);
}

/** The library's own. */
const TOLERANCE_MS = 300_000;

function isSignedBy(publicKey: string, headers: IncomingHttpHeaders, body: string): boolean {
  const raw = Buffer.from(publicKey.slice('whpk_'.length), 'base64');
  const key = createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]), format: 'der', type: 'spki' });
  const text = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`);
  const signatures = String(headers['webhook-signature']).split(' ');
  return signatures.some((one) => one.startsWith('v1a,') && verify(null, text, key, Buffer.from(one.slice(4), 'base64')));
}
