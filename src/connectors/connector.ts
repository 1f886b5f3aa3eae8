/**
 * connectors: code that brings a plan's effects to a learning platform.
 * This file is the contract. A connector gets a user as the store now holds it and makes the platform agree; it decides nothing and stores nothing here.
 * Imports core and lib only; flows/deliver drives it.
 */
import type { UserState } from '../core/model.ts';

export interface Connector {
  /** The platform's name in the outbox. */
  platform: string;
  /** Make the platform agree with this state. Called at least once for every change and must be idempotent. Throws `TransientFailure` or `TerminalFailure`. */
  deliver(state: UserState): Promise<void>;
}

/** Worth trying again, after `retryAfterMs` if the platform said so. */
export class TransientFailure extends Error {
  override readonly name = 'TransientFailure';
  readonly retryAfterMs: number | null;
  constructor(message: string, retryAfterMs: number | null = null) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Trying again changes nothing; a person has to look. */
export class TerminalFailure extends Error {
  override readonly name = 'TerminalFailure';
}
