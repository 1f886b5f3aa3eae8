/** Commands of an operator over learning platforms: what they are called and take. What they do is in platforms.ts. */
import type { Command } from 'commander';
import type { House } from '../app.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { count } from './arguments.ts';
import type { InHouse } from './operator-commands.ts';
import { tenantOf } from './people.ts';
import {
  type DriftFlags,
  deliveryList,
  deliveryReplay,
  deliveryRetry,
  drift,
  platformList,
  platformRefresh,
  platformRestart,
  taskDone,
  taskList,
} from './platforms.ts';

interface Line {
  program: Command;
  inHouse: InHouse;
  named: (house: House, tenant: string | undefined) => LiveTenant;
  /** The tenant may stand before the word, or in --tenant. */
  tenantAnd: (house: House, first: string, second: string | undefined) => { live: LiveTenant; word: string };
}

export function platformCommands(program: Command, inHouse: InHouse): void {
  const named = (house: House, tenant: string | undefined) => tenantOf(house, tenant ?? program.opts<{ tenant?: string }>().tenant);
  const tenantAnd: Line['tenantAnd'] = (house, first, second) =>
    second === undefined ? { live: named(house, undefined), word: first } : { live: named(house, first), word: second };
  for (const add of [platforms, deliveries, tasks, drifts]) add({ program, inHouse, named, tenantAnd });
}

function platforms({ program, inHouse, named, tenantAnd }: Line): void {
  const platform = program.command('platform').description('learning platforms: how far they are, and what to do about them');
  platform
    .command('list')
    .description('what waits, what has failed, whether anything is halted and what to do')
    .argument('[tenant]', 'the tenant')
    .action(inHouse((house, out, tenant: string | undefined) => platformList(house, named(house, tenant), out)));
  platform
    .command('refresh')
    .description('read its catalogue now')
    .argument('<platform>', 'its id, or <tenant> <platform>')
    .argument('[more]')
    .option('--allow-removals', "go beyond the tenant's limit on removals")
    .action(
      inHouse((house, out, first: string, second: string | undefined, opts: { allowRemovals?: boolean }) => {
        const { live, word } = tenantAnd(house, first, second);
        return platformRefresh(house, live, { platform: word, allowRemovals: opts.allowRemovals === true }, out);
      }),
    );
  platform
    .command('restart')
    .description('it leads to another place: forget what was given at the old one, deliver everybody anew. What it means is shown first')
    .argument('<platform>', 'its id, or <tenant> <platform>')
    .argument('[more]')
    .option('--confirm <platform>', "do it: the platform's id once more")
    .action(
      inHouse((house, out, first: string, second: string | undefined, opts: { confirm?: string }) => {
        const { live, word } = tenantAnd(house, first, second);
        return platformRestart(house, live, { platform: word, confirm: opts.confirm ?? null }, out);
      }),
    );
}

function deliveries({ program, inHouse, named }: Line): void {
  const delivery = program.command('delivery').description('what is to be brought to learning platforms, person by person');
  delivery
    .command('list')
    .description('what is not yet delivered, and why')
    .argument('[tenant]', 'the tenant')
    .option('--platform <id>', 'to this platform only')
    .option('--dead', 'dead letters only: nothing is tried until somebody has looked')
    .option('--limit <n>', 'how many', count, 50)
    .option('--after <id>', 'go on after this id')
    .action(
      inHouse((house, out, tenant: string | undefined, opts: { platform?: string; dead?: boolean; limit: number; after?: string }) =>
        deliveryList(house, named(house, tenant), { ...opts, dead: opts.dead === true, after: opts.after ?? null }, out),
      ),
    );
  delivery
    .command('retry')
    .description('dead letters wait again, and a halted platform is tried anew')
    .argument('[tenant]', 'the tenant')
    .requiredOption('--platform <id>', 'of this platform')
    .option('--user <user>', 'of this person only: id, userName or e-mail')
    .action(
      inHouse((house, out, tenant: string | undefined, opts: { platform: string; user?: string }) =>
        deliveryRetry(house, named(house, tenant), opts, out),
      ),
    );
  delivery
    .command('replay')
    .description('tell everything anew, of one person or of all who have an account there')
    .argument('[tenant]', 'the tenant')
    .requiredOption('--platform <id>', 'to this platform')
    .option('--user <user>', 'of this person: id, userName or e-mail')
    .option('--all', 'of everybody')
    .action(
      inHouse((house, out, tenant: string | undefined, opts: { platform: string; user?: string; all?: boolean }) =>
        deliveryReplay(house, named(house, tenant), { ...opts, all: opts.all === true }, out),
      ),
    );
}

function tasks({ program, inHouse, named, tenantAnd }: Line): void {
  const task = program.command('task').description('what a learning platform cannot do by itself, and somebody does there by hand');
  task
    .command('list')
    .description('what is to be done, the oldest first')
    .argument('[tenant]', 'the tenant')
    .option('--limit <n>', 'how many', count, 50)
    .option('--after <id>', 'go on after this id')
    .action(
      inHouse((house, out, tenant: string | undefined, opts: { limit: number; after?: string }) =>
        taskList(house, named(house, tenant), { limit: opts.limit, after: opts.after ?? null }, out),
      ),
    );
  task
    .command('done')
    .description('tick off what has been done there')
    .argument('<id>', 'as list shows it, or <tenant> <id>')
    .argument('[more]')
    .option('--comment <text>', 'it is kept in the journal')
    .action(
      inHouse((house, out, first: string, second: string | undefined, opts: { comment?: string }) => {
        const { live, word } = tenantAnd(house, first, second);
        return taskDone(house, live, { id: word, comment: opts.comment ?? null }, out);
      }),
    );
}

function drifts({ program, inHouse, named }: Line): void {
  program
    .command('drift')
    .description('what the learning platforms have against what they should have; needs no running gateway, but mending is done by one')
    .argument('[tenant]', 'the tenant')
    .option('--platform <id>', 'this platform only')
    .option('--fix', 'who differs is delivered anew')
    .option('--allow-removals', "go beyond the tenant's limit on removals")
    .option('--limit <n>', 'how many people of each platform are named', count, 20)
    .action(
      inHouse((house, out, tenant: string | undefined, opts: Partial<DriftFlags> & { limit: number }) => {
        const flags = { ...opts, fix: opts.fix === true, allowRemovals: opts.allowRemovals === true };
        return drift(house, named(house, tenant), flags, out);
      }),
    );
}
