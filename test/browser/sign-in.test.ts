/**
 * The whole way in a real browser: e-mail page, provider, the school with its courses, "my learning", and the way out. Gateway, providers and school are the demo's.
 * With PICTURES=1 the pages of the README are drawn anew into docs/pictures. Cookies across sites over https: test/web/browser.test.ts.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { provision } from '../../src/flows/provision.ts';
import { describeWith } from '../services.ts';
import { type BrowserWorld, openBrowserWorld } from './world.ts';

const REFERENCE = /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}$/;

async function picture(page: Page, name: string): Promise<void> {
  if (process.env['PICTURES'] === '1') await page.screenshot({ path: join('docs', 'pictures', `${name}.png`), fullPage: true });
}

describeWith('chromium', 'a learner in a real browser', () => {
  let w: BrowserWorld;

  beforeAll(async () => {
    w = await openBrowserWorld();
  });
  afterAll(() => w.close());

  /** From the common page to the provider's: the tenant has two connections for the domain, so the chooser comes between. */
  async function toProvider(page: Page, email: string, way: 'SAML' | 'OpenID Connect'): Promise<void> {
    await page.goto(w.baseUrl);
    await page.getByLabel('Work e-mail address').fill(email);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('link', { name: `Acme staff (${way})` }).click();
    await page.waitForURL(`${way === 'SAML' ? w.samlIdp : w.oidcIdp}/**`);
  }

  /** The person's name at the sample SAML provider; without JavaScript its form waits for a click. */
  async function chooseAtSaml(page: Page, name: string, javaScript = true): Promise<void> {
    await page.getByRole('link', { name }).click();
    if (!javaScript) await page.getByRole('button', { name: 'Continue' }).click();
  }

  /** Where a sign-in leads: the school's page, signed in there. */
  async function landed(page: Page): Promise<void> {
    await page.getByRole('heading', { name: 'My courses', level: 1 }).waitFor();
    expect(page.url()).toBe(`${w.school.url}/enrollments`);
  }

  async function toMyLearning(page: Page): Promise<void> {
    await page.goto(`${w.baseUrl}/t/acme/learning`);
    await page.getByRole('heading', { name: 'My learning', level: 1 }).waitFor();
  }

  const listOf = (page: Page, name: 'Courses' | 'Groups') => page.getByRole('list', { name }).getByRole('listitem').allTextContents();
  const coursesOf = (page: Page) => page.getByRole('main').getByRole('heading', { level: 3 }).allTextContents();
  const titlesOf = (page: Page) => page.getByRole('main').getByRole('heading', { level: 2 }).allTextContents();

  it('comes from the e-mail page through SAML into the school, signed in, with the courses that the mapping gives', async () => {
    const { page, complaints, close } = await w.visit();
    await page.goto(w.baseUrl);
    await picture(page, 'sign-in');
    await toProvider(page, 'chioma@acme.example', 'SAML');
    await chooseAtSaml(page, 'Chioma Eze');
    await landed(page);
    expect(await page.getByText('Chioma Eze').count()).toBe(1);
    expect(await page.getByText('chioma@acme.example').count()).toBe(1);
    expect((await listOf(page, 'Courses')).sort()).toEqual(['Negotiation', 'Selling with care', 'Strategy', 'Welcome to Acme']);
    expect(await listOf(page, 'Groups')).toEqual(['All staff']);
    await picture(page, 'landed');
    expect(complaints).toEqual([]);
    await close();
  });

  it('has the same courses under "my learning", and comes from there to one of them, also where the session at the school is over', async () => {
    const { page, complaints, context, close } = await w.visit();
    await toProvider(page, 'chioma@acme.example', 'SAML');
    await chooseAtSaml(page, 'Chioma Eze');
    await landed(page);
    await toMyLearning(page);
    expect((await titlesOf(page)).sort()).toEqual(['All staff', 'Executive programme', 'Sales onboarding', 'Welcome']);
    expect((await coursesOf(page)).sort()).toEqual(['Negotiation', 'Selling with care', 'Strategy', 'Welcome to Acme']);
    await picture(page, 'my-learning');
    await context.clearCookies({ name: 'sample_session' });
    await page.getByRole('link', { name: 'Strategy' }).click();
    await page.getByRole('heading', { name: 'Strategy', level: 1 }).waitFor();
    expect(page.url()).toBe(`${w.school.url}/courses/strategy`);
    expect(complaints).toEqual([]);
    await close();
  });

  it('comes from the e-mail page through OpenID Connect, known at the provider by the address that was typed', async () => {
    const { page, complaints, close } = await w.visit();
    await page.goto(w.baseUrl);
    await page.getByLabel('Work e-mail address').fill('bjorn@acme.example');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('link', { name: 'Acme staff (OpenID Connect)' }).click();
    await landed(page);
    expect((await listOf(page, 'Courses')).sort()).toEqual(['Secure code', 'Welcome to Acme', 'When it breaks']);
    expect(complaints).toEqual([]);
    await close();
  });

  it('chooses at the OpenID provider when the chooser was the beginning', async () => {
    const { page, complaints, close } = await w.visit();
    await page.goto(`${w.baseUrl}/t/acme`);
    await page.getByRole('link', { name: 'Acme staff (OpenID Connect)' }).click();
    await page.getByRole('button', { name: "Zoë O'Brien-Núñez" }).click();
    await landed(page);
    expect(await page.getByText("Zoë O'Brien-Núñez").count()).toBe(1);
    expect((await listOf(page, 'Courses')).sort()).toEqual(['Safety on site', 'Welcome to Acme']);
    expect((await listOf(page, 'Groups')).sort()).toEqual(['All staff', 'Contractors']);
    expect(complaints).toEqual([]);
    await close();
  });

  it('needs no JavaScript, for SAML or for OpenID Connect', async () => {
    const saml = await w.visit({ javaScript: false });
    await toProvider(saml.page, 'amara@acme.example', 'SAML');
    await chooseAtSaml(saml.page, 'Amara Okafor', false);
    await landed(saml.page);
    expect((await listOf(saml.page, 'Courses')).sort()).toEqual(['Negotiation', 'Selling with care', 'Welcome to Acme']);

    const oidc = await w.visit({ javaScript: false });
    await oidc.page.goto(`${w.baseUrl}/t/acme`);
    await oidc.page.getByRole('link', { name: 'Acme staff (OpenID Connect)' }).click();
    await oidc.page.getByRole('button', { name: 'Bjørn Lindqvist' }).click();
    await landed(oidc.page);
    expect((await listOf(oidc.page, 'Courses')).sort()).toEqual(['Secure code', 'Welcome to Acme', 'When it breaks']);

    for (const { complaints, close } of [saml, oidc]) {
      expect(complaints).toEqual([]);
      await close();
    }
  });

  it('waits on a page that says so while the school is away, and is there, with every course, once it is back', async () => {
    const { page, close } = await w.visit();
    w.school.faults.down();
    try {
      await page.goto(`${w.baseUrl}/t/acme/login/oidc?login_hint=many@acme.example`);
      await page.getByRole('heading', { name: 'Preparing your courses', level: 1 }).waitFor();
      await picture(page, 'preparing');
      // What is to be learned is there to see meanwhile.
      const beside = await page.context().newPage();
      await toMyLearning(beside);
      expect(await coursesOf(beside)).toEqual(['Safety on site']);
      await beside.close();
    } finally {
      w.school.faults.up();
    }
    await landed(page);
    expect(await listOf(page, 'Courses')).toEqual(['Safety on site']);
    await close();
  }, 60_000);

  it('is told that the account is locked, with a reference that the journal holds, and is not signed in', async () => {
    const { page, complaints, context, close } = await w.visit();
    await toProvider(page, 'dmitri@acme.example', 'SAML');
    await chooseAtSaml(page, 'Dmitri Volkov');
    await page.getByRole('heading', { name: 'Your account is locked', level: 1 }).waitFor();
    await picture(page, 'refusal');
    expect(await page.getByRole('link', { name: 'helpdesk@acme.example' }).getAttribute('href')).toBe('mailto:helpdesk@acme.example');
    expect(await page.getByText('account-locked').count()).toBe(1);
    const reference = (await page.locator('code').textContent()) ?? '';
    expect(reference).toMatch(REFERENCE);
    const { store } = w.running.gateway.house;
    const [entry, ...more] = await store.journal.list('acme', { reference, limit: 10 });
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ outcome: 'FAILED', code: 'account-locked', actor: 'connection:saml' });
    expect(await store.people.find('acme', 'dmitri@acme.example')).toBeNull();
    expect((await context.cookies()).filter(({ name }) => name === 'matricula' || name.startsWith('mf-'))).toEqual([]);
    expect(complaints.filter((text) => !text.includes('403'))).toEqual([]);
    await close();
  });

  it('is told when the provider declined, and may start again from there', async () => {
    const { page, close } = await w.visit();
    await toProvider(page, 'amara@acme.example', 'SAML');
    await chooseAtSaml(page, 'Decline');
    await page.getByRole('heading', { name: 'Your organisation did not sign you in', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'Start again' }).click();
    await page.waitForURL(`${w.baseUrl}/t/acme`);
    await close();
  });

  it('signs out, and the session is gone for the back button too', async () => {
    const { page, complaints, context, close } = await w.visit();
    await toProvider(page, 'amara@acme.example', 'SAML');
    await chooseAtSaml(page, 'Amara Okafor');
    await landed(page);
    await toMyLearning(page);
    const [session] = (await context.cookies()).filter(({ name }) => name === 'matricula');
    expect(session).toMatchObject({ httpOnly: true, sameSite: 'Lax', expires: -1 });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out', level: 1 }).waitFor();
    expect((await context.cookies()).map(({ name }) => name)).not.toContain('matricula');
    expect(complaints).toEqual([]);
    // A copy of the cookie is worth nothing either: the session ended at the gateway.
    await context.addCookies([session!]);
    expect((await page.goto(`${w.baseUrl}/t/acme/learning`))?.status()).toBe(401);
    await page.getByRole('heading', { name: 'Sign in', level: 1 }).waitFor();
    await close();
  });

  it('is locked out of an open session at the next click, once an operator suspends the account', async () => {
    const { page, close } = await w.visit();
    await page.goto(`${w.baseUrl}/t/acme/login/oidc?login_hint=nobody@acme.example`);
    await landed(page);
    expect(await page.getByText('No course yet.').count()).toBe(1);
    await toMyLearning(page);
    const { flow, tenants, store } = w.running.gateway.house;
    const user = await store.people.find('acme', 'nobody@acme.example');
    await provision(flow, {
      live: tenants.get('acme')!,
      intent: { kind: 'edit', status: 'suspended' },
      lookup: { by: 'user', userId: user!.id },
      actor: 'test',
      reference: null,
    });
    expect((await page.reload())?.status()).toBe(403);
    await page.getByRole('heading', { name: 'Your access has ended', level: 1 }).waitFor();
    await close();
  });

  it('gets through with the keyboard alone', async () => {
    const { page, close } = await w.visit();
    await page.goto(w.baseUrl);
    await page.keyboard.type('amara@acme.example');
    await page.keyboard.press('Enter');
    const way = page.getByRole('link', { name: 'Acme staff (SAML)' });
    await way.waitFor();
    await tabTo(page, 'Acme staff (SAML)');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${w.samlIdp}/**`);
    await tabTo(page, 'Amara Okafor');
    await page.keyboard.press('Enter');
    await landed(page);
    await tabTo(page, 'Welcome to Acme');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Welcome to Acme', level: 1 }).waitFor();
    await toMyLearning(page);
    await tabTo(page, 'Sign out');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'You are signed out', level: 1 }).waitFor();
    await close();
  });

  it('never scrolls sideways on a telephone 360 pixels wide', async () => {
    const { page, complaints, close } = await w.visit({ width: 360 });
    const fits = async () => expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    await page.goto(w.baseUrl);
    await fits();
    await page.getByLabel('Work e-mail address').fill('someone.with.a.very.long.name@a-domain-that-nobody-here-has-heard-of.example');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').waitFor();
    await fits();
    await page.getByLabel('Work e-mail address').fill('chioma@acme.example');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('link', { name: 'Acme staff (SAML)' }).waitFor();
    await fits();
    await page.getByRole('link', { name: 'Acme staff (SAML)' }).click();
    await chooseAtSaml(page, 'Chioma Eze');
    await landed(page);
    await fits();
    await toMyLearning(page);
    await fits();
    await picture(page, 'my-learning-telephone');
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
    await close();
  });
});

/** Presses Tab until what has the focus bears this name. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press('Tab');
    if (String(await page.evaluate('document.activeElement?.textContent ?? ""')).includes(name)) return;
  }
  throw new Error(`the keyboard does not reach "${name}"`);
}
