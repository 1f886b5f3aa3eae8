/** A learner with a browser: goes to a gateway, is somebody at the sample providers, and looks at what came of it. */
import { inflateRawSync } from 'node:zlib';
import { type Browser, createBrowser, type Form, formOf, type Page } from '../../fixtures/demo/browser.ts';

export interface Me {
  user: { id: string; userName: string; email: string; displayName: string; status: string; role: string; fields: Record<string, string> };
  enrolments: { target: string; grants: { source: string; rule: string | null; since: string }[] }[];
  session: { connection: string; since: string };
}

/** What a refusal shows, as page or as JSON. */
export interface Shown {
  status: number;
  code: string;
  reference: string;
}

export interface Visitor {
  browser: Browser;
  /** Starts at the gateway and answers at the sample SAML provider; the form that would carry the answer back. */
  samlAnswer(person: string, connection?: string): Promise<Form>;
  /** The whole way. */
  bySaml(person: string, connection?: string): Promise<Page>;
  byOidc(email: string, connection?: string): Promise<Page>;
  /** Throws unless signed in. */
  me(): Promise<Me>;
  /** The status of `/me` alone. */
  meStatus(): Promise<number>;
  /** `target` → the rules that hold it, `null` for by hand. */
  enrolments(): Promise<Record<string, (string | null)[]>>;
}

export function createVisitor(baseUrl: string, { tenant = 'acme', stopAt }: { tenant?: string; stopAt?: (url: string) => boolean } = {}): Visitor {
  const browser = createBrowser(stopAt && { stopAt });
  const start = (connection: string, query = '') => browser.get(`${baseUrl}/t/${tenant}/login/${connection}${query}`);
  const json = { accept: 'application/json' };

  async function samlAnswer(person: string, connection = 'saml'): Promise<Form> {
    const choice = await start(connection);
    if (choice.status !== 200) throw new Error(`the sign-in did not start: ${choice.status} ${choice.body}`);
    return formOf(await browser.get(`${choice.url}&person=${encodeURIComponent(person)}`));
  }
  async function me(): Promise<Me> {
    const { status, body } = await browser.get(`${baseUrl}/t/${tenant}/me`, json);
    if (status !== 200) throw new Error(`nobody is signed in: ${status} ${body}`);
    return JSON.parse(body) as Me;
  }

  return {
    browser,
    samlAnswer,
    async bySaml(person, connection) {
      const { action, fields } = await samlAnswer(person, connection);
      return browser.post(action, fields);
    },
    byOidc: (email, connection = 'oidc') => start(connection, `?login_hint=${encodeURIComponent(email)}`),
    me,
    meStatus: async () => (await browser.get(`${baseUrl}/t/${tenant}/me`, json)).status,
    async enrolments() {
      const { enrolments } = await me();
      return Object.fromEntries(enrolments.map(({ target, grants }) => [target, grants.map(({ rule }) => rule).sort()]));
    },
  };
}

/** Code and reference of a refusal, whichever way it was asked for. Throws where the answer shows neither. */
export function shown({ status, body, headers }: Page): Shown {
  if (headers.get('content-type')?.includes('json')) {
    const { code, reference } = JSON.parse(body) as Shown;
    return { status, code, reference };
  }
  const trace = /Reference <code>([^<]+)<\/code> <span>([^<]+)<\/span>/.exec(body);
  if (!trace) throw new Error(`the page shows no reference: ${status} ${body}`);
  return { status, code: trace[2]!, reference: trace[1]! };
}

/** The ID of the AuthnRequest that a browser carried to the provider, and the RelayState beside it. */
export function requestIn(url: string): { requestId: string; relayState: string } {
  const { searchParams } = new URL(url);
  const xml = inflateRawSync(Buffer.from(searchParams.get('SAMLRequest') ?? '', 'base64')).toString();
  return { requestId: /\sID="([^"]+)"/.exec(xml)![1]!, relayState: searchParams.get('RelayState') ?? '' };
}
