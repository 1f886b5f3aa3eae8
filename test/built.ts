/** What tests start as processes of their own is compiled before the first test: see scripts/before-tests.mjs. */
import { join, relative } from 'node:path';

/** The compiled form of a source of the project, for plain Node. */
export function built(source: string): string {
  const folder = process.env['MATRICULA_TEST_BUILD'];
  if (folder === undefined) throw new Error('nothing has been compiled: run the tests through jest, whose globalSetup does it');
  return join(folder, relative(process.cwd(), source)).replace(/\.ts$/, '.js');
}
