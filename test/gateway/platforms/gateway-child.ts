/** A whole gateway in a process that can be killed, whose clock its parent moves: each line on stdin is by how many milliseconds it is ahead from now on. */
import { createInterface } from 'node:readline';
import { readSettings } from '../../../src/config/settings.ts';
import { createLog } from '../../../src/lib/log.ts';
import { serve } from '../../../src/main.ts';

const [env, first] = process.argv.slice(2) as [string, string];
let ahead = Number(first);
createInterface({ input: process.stdin }).on('line', (line) => {
  ahead = Number(line);
});
const read = readSettings(JSON.parse(env) as Record<string, string>);
if (!read.ok) throw new Error(read.problems.join('\n'));
const { settings } = read;
await serve({ settings, secret: settings.secret!, log: createLog('warn', process.stderr), now: () => new Date(Date.now() + ahead) });
process.stdout.write('ready\n');
