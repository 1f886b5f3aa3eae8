/** Every test runs with the network off except loopback, whatever library opens the connection. */
import net from 'node:net';

const loopback = /^(127\.|::1$|::ffff:127\.|localhost$|$)/;
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (this: net.Socket, ...args: never[]) {
  const first = (Array.isArray(args[0]) ? args[0][0] : args[0]) as { host?: string; path?: string } | number | string | undefined;
  const host =
    typeof first === 'object' && first !== null ? (first.path ? '' : (first.host ?? 'localhost')) : typeof args[1] === 'string' ? args[1] : '';
  if (!loopback.test(host)) throw new Error(`the network is off in tests, except loopback: ${host}`);
  return Reflect.apply(connect, this, args);
} as typeof connect;
