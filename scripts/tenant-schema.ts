/**
 * Writes what is made from the source: the editors' JSON Schema of a tenant file, the page and the example of the process settings, the page of modes.
 * With --check it writes nothing and fails where a file differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { settingsExample, settingsPage } from '../src/config/settings-page.ts';
import { tenantJsonSchema } from '../src/config/tenant-schema.ts';
import { modesPage } from '../src/flows/modes-page.ts';

const root = path.resolve(import.meta.dirname, '..');
const made: Record<string, string> = {
  'config/tenant.schema.json': `${JSON.stringify(tenantJsonSchema(), null, 2)}\n`,
  'docs/settings.md': settingsPage(),
  'config/examples/settings.env': settingsExample(),
  'docs/modes.md': modesPage(),
};

const check = process.argv.includes('--check');
for (const [file, content] of Object.entries(made)) {
  const full = path.join(root, file);
  if (!check) writeFileSync(full, content);
  else if (read(full) !== content) {
    console.error(`${file} is not what src/config makes of it (run: npm run schema)`);
    process.exitCode = 1;
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
