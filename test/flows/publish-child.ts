/** Goes on with what publications are waiting, and says how far it is. Killed by publish-kill.test.ts. */

import { runPublication } from '../../src/flows/publish.ts';
import { openDatabase } from '../../src/store/open.ts';
import { depsOf } from './publish-world.ts';

const [url, worker, ahead] = process.argv.slice(2) as [string, string, string];
const database = await openDatabase(url);
const deps = depsOf(database, worker, Number(ahead));
process.stdout.write('ready\n');
for (const one of await deps.store.publications.waiting(deps.now(), 5))
  await runPublication(deps, one, worker, ({ done }) => void process.stdout.write(`${done}\n`));
await database.close();
