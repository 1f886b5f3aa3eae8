/** The network between a connector and its application, for tests: it passes everything on, until it is told to be trouble. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Between {
  /** Stands for the origin of `target`. */
  origin: string;
  /** Connections break. */
  down(): void;
  /** Every answer is a page. */
  nonsense(): void;
  /** The next request that is no GET is passed on, and its connection breaks instead of an answer. */
  loseAnswer(): void;
  up(): void;
  close(): Promise<void>;
}

export async function startBetween(target: string): Promise<Between> {
  let state: 'up' | 'down' | 'nonsense' = 'up';
  let loses = false;
  const server = createServer((request, response) => {
    if (state === 'down') return void request.socket.destroy();
    if (state === 'nonsense') return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Be right back</html>');
    const lose = loses && request.method !== 'GET';
    if (lose) loses = false;
    pass(target, request, lose ? (answer) => void answer.resume().on('end', () => request.socket.destroy()) : (answer) => relay(answer, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    down: () => {
      state = 'down';
    },
    nonsense: () => {
      state = 'nonsense';
    },
    loseAnswer: () => {
      loses = true;
    },
    up: () => {
      state = 'up';
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function pass(target: string, request: IncomingMessage, take: (answer: IncomingMessage) => void): void {
  const { host: _host, connection: _connection, ...headers } = request.headers;
  const onwards = httpRequest(new URL(request.url!, target), { method: request.method!, headers, agent: false }, take);
  onwards.on('error', () => request.socket.destroy());
  request.pipe(onwards);
}

function relay(answer: IncomingMessage, response: ServerResponse): void {
  const { connection: _connection, 'transfer-encoding': _encoding, ...headers } = answer.headers;
  response.writeHead(answer.statusCode!, headers);
  answer.pipe(response);
}
