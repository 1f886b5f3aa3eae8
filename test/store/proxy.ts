/** A wire that tests can cut: loopback TCP in front of a service. */
import { once } from 'node:events';
import net from 'node:net';

export interface Wire {
  port: number;
  /** Connections break and new ones are refused. */
  cut: () => Promise<void>;
  mend: () => Promise<void>;
  /** Nothing is said any more, in either direction, and nothing breaks. */
  mute: () => void;
}

export async function wireTo(host: string, port: number): Promise<Wire> {
  const sockets = new Set<net.Socket>();
  let muted = false;
  const server = net.createServer((near) => {
    const far = net.connect(port, host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from.once('close', () => sockets.delete(from)));
      from.on('data', (bytes) => void (muted || to.write(bytes)));
      from.on('error', () => {}).on('close', () => to.destroy());
    }
  });
  const listen = async (at: number) => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  };
  const cut = async () => {
    const closed = server.listening ? once(server, 'close') : null;
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen(0);
  const at = (server.address() as net.AddressInfo).port;
  return {
    port: at,
    cut,
    mend: async () => {
      muted = false;
      if (!server.listening) await listen(at);
    },
    mute: () => {
      muted = true;
    },
  };
}
