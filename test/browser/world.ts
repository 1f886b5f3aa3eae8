/** Chromium over the demo's world: the real gateway, the real sample providers, one browser, and what it had to complain of. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page, type Response } from 'playwright-core';
import { startWorld, type World } from '../../fixtures/demo/demo.ts';
import { chromiumPath } from '../services.ts';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

export interface Visit {
  context: BrowserContext;
  page: Page;
  /** Console errors and warnings, faults of scripts, requests that failed or were answered with an error, all in the order they came. */
  complaints: string[];
  close(): Promise<void>;
}

export interface BrowserWorld extends World {
  /** A person at a new browser: no cookies, no history. */
  visit(options?: { javaScript?: boolean; width?: number }): Promise<Visit>;
}

export async function openBrowserWorld(): Promise<BrowserWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'matricula-browser-'));
  // Any free ports: two worlds that both like 8080 may start at the same moment.
  writeFileSync(join(folder, 'ports.json'), JSON.stringify({ gateway: 0, saml: 0, oidc: 0, school: 0 }));
  const world = await startWorld({ folder, quiet: true });
  const browser = await chromium.launch({ executablePath: chromiumPath, args: FLAGS });
  return {
    ...world,
    visit: (options) => visit(browser, world.baseUrl, options),
    async close() {
      await browser.close();
      await world.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function visit(browser: Browser, baseUrl: string, options: Parameters<BrowserWorld['visit']>[0] = {}): Promise<Visit> {
  const { javaScript = true, width = 1200 } = options;
  const context = await browser.newContext({ javaScriptEnabled: javaScript, viewport: { width, height: 800 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  // The sample providers have no icon for the tab, and are not what is tested.
  const theirIcon = (url: string) => url.endsWith('/favicon.ico') && !url.startsWith(baseUrl);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !theirIcon(message.location().url)) complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => void complaints.push(`script: ${error.message}`));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? '';
    // Aborted: the page was left before its icon had come. What a policy blocks has another reason, and a line in the console.
    if (reason !== 'net::ERR_ABORTED' && !theirIcon(request.url())) complaints.push(`failed: ${request.method()} ${request.url()} ${reason}`);
  });
  page.on('response', (response: Response) => {
    if (response.status() >= 400 && !theirIcon(response.url())) complaints.push(`answered ${response.status()}: ${pathOf(response.url())}`);
  });
  return { context, page, complaints, close: () => context.close() };
}

const pathOf = (url: string): string => new URL(url).pathname;
