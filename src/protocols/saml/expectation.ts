/** What a response must agree with: who we are, whom we trust, which request is answered, and when. */
import type { SamlConnection } from '../../core/tenant.ts';

export interface Expectation {
  connection: SamlConnection;
  entityId: string;
  acsUrl: string;
  idpEntityId: string;
  /** Null: no login attempt belongs to it. */
  requestId: string | null;
  /** Milliseconds since the epoch. */
  now: number;
  skewMs: number;
}
