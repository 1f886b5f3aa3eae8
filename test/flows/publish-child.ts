/** Goes on with what publications are waiting, and says how far it is. Killed by publish-kill.test.ts. */

import { runPublication } from '../../src/flows/publish.ts';
import { openDatabase } from '../../src/store/open.ts';
import { depsOf } from './publish-world.ts';

const [url, worker, ahead] = process.argv.slice(2) as [string, string, string];
const database = await openDatabase(url);
const deps = depsOf(database, worker, Number(ahead));
process.stdout.write('ready\n');
// Before the first people are done there is nothing to say, and it is not killed: however slow the machine, each run comes further.
for (const one of await deps.store.publications.waiting(deps.now(), 5))
  await runPublication(deps, one, worker, ({ done }) => void (done > 0 && process.stdout.write(`${done}\n`)));
await database.close();
