/**
 * Fails where the tables in src/store/schema.ts and the generated migrations have drifted apart, or where the two dialects'
 * migrations do not make the same tables. Works on a copy: the tree stays as it is.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const drizzleKit = join(dirname(createRequire(import.meta.url).resolve('drizzle-kit')), 'bin.cjs');
const DIALECTS = [
  { folder: 'sqlite', dialect: 'sqlite' },
  { folder: 'postgres', dialect: 'postgresql' },
];
const folderOf = (name) => join(root, 'src/store/migrations', name);

const problems = [...DIALECTS.flatMap(drift), ...differentTables()];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log('migrations: as the schema says, and the same tables in both dialects');

/** What drizzle-kit would add to a copy of the folder. */
function drift({ folder, dialect }) {
  const copy = mkdtempSync(join(tmpdir(), 'matricula-migrations-'));
  try {
    cpSync(folderOf(folder), copy, { recursive: true });
    const before = listing(copy);
    const out = relative(root, copy); // drizzle-kit takes no absolute folder
    const run = spawnSync(
      process.execPath,
      [drizzleKit, 'generate', '--dialect', dialect, '--schema', `./src/store/schema.${folder}.ts`, '--out', out],
      {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'], // it may ask whether a column was renamed: then there is drift, and nobody to answer
        timeout: 120_000,
      },
    );
    const added = [...listing(copy)].filter(([name, text]) => before.get(name) !== text).map(([name]) => name);
    const sql = added.filter((name) => name.endsWith('.sql')).map((name) => readFileSync(join(copy, name), 'utf8'));
    if (added.length > 0) return [`${folder}: the schema has changed; run \`npm run migrations\` and commit. It would add:\n${sql.join('\n')}`];
    if (run.status !== 0 || !run.stdout.includes('nothing to migrate')) return [`${folder}: drizzle-kit could not tell:\n${run.stdout}${run.stderr}`];
    return [];
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function listing(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files
      .map(({ parentPath, path, name }) => join(parentPath ?? path, name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );
}

function differentTables() {
  const [lite, pg] = DIALECTS.map(({ folder }) => tablesOf(folder));
  const only = (name, mine, theirs) => [...mine].filter((table) => !theirs.has(table)).map((table) => `only ${name} makes the table ${table}`);
  return [...only('sqlite', lite, pg), ...only('postgres', pg, lite)];
}

/** The tables that a folder's SQL leaves behind, in order of application. */
function tablesOf(folder) {
  const { entries } = JSON.parse(readFileSync(join(folderOf(folder), 'meta/_journal.json'), 'utf8'));
  const tables = new Set();
  for (const { tag } of entries) {
    const sql = readFileSync(join(folderOf(folder), `${tag}.sql`), 'utf8');
    for (const [, made, dropped, from, to] of sql.matchAll(
      /create table (?:if not exists )?["`](\w+)["`]|drop table (?:if exists )?["`](\w+)["`]|alter table ["`](\w+)["`] rename to ["`](\w+)["`]/gi,
    )) {
      if (made) tables.add(made);
      if (dropped ?? from) tables.delete(dropped ?? from);
      if (to) tables.add(to);
    }
  }
  return tables;
}
