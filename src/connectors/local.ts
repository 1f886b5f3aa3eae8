/** The local catalogue as a learning platform: it reads enrolments straight from the store, so a delivery is done as soon as the plan is applied. */
import type { Connector } from './connector.ts';

export const LOCAL = 'local';

export const createLocalConnector = (): Connector => ({ platform: LOCAL, deliver: () => Promise.resolve() });
