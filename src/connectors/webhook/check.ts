/** Whether a receiver could be told something: its secrets can be used, and its address can be reached. Sends no message. */
import { type Finding, type Send, TerminalFailure } from '../connector.ts';
import type { SigningKey } from './signature.ts';

interface Checked {
  url: string;
  send: Send;
  signal: AbortSignal;
  keys: () => SigningKey[];
}

export const checkWebhook = async (checked: Checked): Promise<Finding[]> => [secretsFinding(checked), await addressFinding(checked)];

function secretsFinding({ keys }: Checked): Finding {
  try {
    return { check: 'secrets', ok: true, message: `messages are signed with ${keys().length === 1 ? 'one secret' : `${keys().length} secrets`}` };
  } catch (error) {
    const next = 'write whsec_ and 24 to 64 random bytes in base64 (openssl rand -base64 32), or a whsk_ Ed25519 key, where secrets: names it';
    return { check: 'secrets', ok: false, message: (error as Error).message, next };
  }
}

/** Any answer to a HEAD will do: what it says to messages is only known from messages. */
async function addressFinding({ url, send, signal }: Checked): Promise<Finding> {
  try {
    await send({ method: 'HEAD', url, signal });
    return { check: 'address', ok: true, message: `${new URL(url).origin} answers` };
  } catch (error) {
    return { check: 'address', ok: false, message: (error as Error).message, next: nextOf(error) };
  }
}

function nextOf(error: unknown): string {
  if (error instanceof TerminalFailure)
    return 'write a public https address as url:, or let an operator allow its network with MATRICULA_ALLOWED_NETWORKS';
  return 'see that the receiver runs, has a valid certificate, and is at exactly this address: redirects are not followed';
}
