/** The process: settings → gateway → listen → workers. Drains on SIGTERM and SIGINT; SIGHUP takes tenant files in. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Gateway, type Options, openGateway } from './app.ts';

export interface Running {
  gateway: Gateway;
  url: string;
  close(): Promise<void>;
}

/** Milliseconds that open requests have to end. */
const DRAIN_MS = 10_000;

/** Listens when this resolves; the tenant folder has been taken in, as far as it was sound. */
export async function serve(options: Options): Promise<Running> {
  const gateway = await openGateway(options);
  const server = createServer({ maxHeaderSize: 32_768, requestTimeout: 30_000 }, gateway.http);
  try {
    await gateway.reload();
    await listen(server, options.settings.listen);
  } catch (error) {
    await gateway.close(); // else its connections would keep a process alive that serves nobody
    throw error;
  }
  gateway.startWorkers();
  const { address, port, family } = server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  options.log.info({ url, baseUrl: options.settings.baseUrl }, 'listening');
  return { gateway, url, close: () => drain(server, gateway) };
}

const listen = (server: Server, { host, port }: { host: string; port: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });

async function drain(server: Server, gateway: Gateway): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(late);
  await gateway.close();
}

/** Runs until the process is told to end. */
export async function run(options: Options): Promise<void> {
  // Listened for from the start: the default answer to SIGHUP is to end the process.
  let gateway: Gateway | null = null;
  process.on('SIGHUP', () => {
    gateway?.reload().catch((error: unknown) => options.log.error({ err: error }, 'tenant files could not be taken in'));
  });
  const running = await serve(options);
  gateway = running.gateway;
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  await running.close();
}
