/** What every refusal must be, whatever was tried: told to the person, kept for the operator, and without any other trace. */
import { expect } from '@jest/globals';
import type { Page } from '../../fixtures/demo/browser.ts';
import type { RefusalCode } from '../../src/core/refusal.ts';
import { REFUSALS } from '../../src/web/refusals.ts';
import type { TestGateway } from './gateway.ts';
import { shown, type Visitor } from './visitor.ts';

export interface Untouched {
  rows: string;
  memory: string[];
}

/** What must be the same afterwards: every row, every session, everything that is remembered of messages. */
export const untouched = async (gateway: TestGateway): Promise<Untouched> => ({
  rows: await gateway.snapshot(),
  memory: await gateway.held('session', 'replay', 'oidc-jti'),
});

export interface Refused {
  tenant?: string;
  connection: string;
  page: Page;
  visitor: Pick<Visitor, 'browser' | 'meStatus'>;
  refused: { code: RefusalCode; check: string };
}

/** Checks the answer, the journal, the sign-in log and the process's log against one another. */
export async function expectRefused(gateway: TestGateway, { tenant = 'acme', connection, page, visitor, refused }: Refused): Promise<void> {
  const { code, check } = refused;
  const told = shown(page);
  expect(told).toEqual({ status: REFUSALS[code].status, code, reference: page.headers.get('x-request-reference') });
  const { journal, signIns } = await gateway.traces(tenant, told.reference);
  expect(journal).toMatchObject([{ outcome: 'FAILED', code, actor: `connection:${connection}`, resourceId: null, detail: { check } }]);
  expect(signIns).toMatchObject([{ outcome: 'FAILED', code, check, connectionId: connection, userId: null }]);
  expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'refused', reference: told.reference, code, check }));
  expect([...visitor.browser.cookies(gateway.baseUrl).keys()]).not.toContain('matricula');
  expect(await visitor.meStatus()).toBe(401);
}
