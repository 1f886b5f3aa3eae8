/** A plain way out for connectors under test: real HTTP on loopback, without limits. */
import { createSend, openGate } from '../../src/connectors/send.ts';
import { createGuardedFetch } from '../../src/lib/fetch.ts';

export const sendOnLoopback = createSend(createGuardedFetch({ loopback: true, deadlineMs: 30_000 }), openGate);
