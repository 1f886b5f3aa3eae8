/**
 * Before the first test of a run, for all its workers.
 *
 * What tests start as processes of their own is compiled once: such a process then starts in half the time that it takes where each reads the sources
 * anew. Every run has a folder of its own, so that nothing is ever stale and two runs do not disturb each other; `MATRICULA_TEST_BUILD` says where it
 * is. Types are looked at by `npm run check`, not here.
 *
 * Temporary files are kept in memory where the machine has room for them: tests kill processes, not machines, and do not have to wait for a disk.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const MEMORY = '/dev/shm';
/** Many times what a run needs. */
const ROOM = 1 << 30;
const DAY_MS = 86_400_000;

export default async function beforeTests() {
  const build = ownFolder(join(root, 'dist'), 'test-run-'); // in dist `cli.js` finds node_modules and package.json as it does after `npm run build`
  await Promise.all(['src', 'fixtures', 'test'].flatMap(sources).map((file) => compile(file, build)));
  execFileSync(process.execPath, ['scripts/copy-assets.mjs', build], { cwd: root });
  process.env['MATRICULA_TEST_BUILD'] = build;
  if (process.env['TMPDIR'] === undefined && hasRoom(MEMORY)) process.env['TMPDIR'] = ownFolder(MEMORY, 'matricula-test-');
}

/** Removed when the run ends; what a run that was killed has left, a day later. */
function ownFolder(parent, prefix) {
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent).filter((one) => one.startsWith(prefix))) {
    const old = statSync(join(parent, name), { throwIfNoEntry: false });
    if (old && old.mtimeMs < Date.now() - DAY_MS) rmSync(join(parent, name), { recursive: true, force: true });
  }
  const folder = mkdtempSync(join(parent, prefix));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function hasRoom(folder) {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > ROOM;
  } catch {
    return false; // no such thing on this system
  }
}

const sources = (name) =>
  readdirSync(join(root, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map(({ parentPath, name }) => join(parentPath, name));

async function compile(file, build) {
  const { code } = await transform(readFileSync(file, 'utf8'), {
    filename: file,
    swcrc: false,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022', rewriteRelativeImportExtensions: true, transform: { verbatimModuleSyntax: true } },
    module: { type: 'es6' },
    sourceMaps: false,
  });
  const out = join(build, relative(root, file)).replace(/\.ts$/, '.js');
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, code);
}
