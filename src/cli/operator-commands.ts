/** Commands of an operator over a tenant's modes, directory and groups: what they are called and take. What they do is beside this file. */
import type { Command } from 'commander';
import type { House } from '../app.ts';
import type { Mode } from '../core/model.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { action, count, moment, outcome, resource } from './arguments.ts';
import { doctor, syncLog, tokenCreate, tokenList, tokenRevoke, tokenRotate } from './directory.ts';
import { domainAdd, domainList, domainRemove, domainVerify } from './domains.ts';
import { groupCreate, groupDelete, groupList, groupMember, groupShow } from './groups.ts';
import { handOver, heldEnd, heldList, modeChange, modeShow, seats } from './modes.ts';
import { EXIT, Exit, type Output } from './output.ts';
import { tenantOf } from './people.ts';
import { leases, sweepNow } from './sweep.ts';

/** Opens the house for one command and closes it whatever happens. */
export type InHouse = <A extends unknown[]>(work: (house: House, out: Output, ...args: A) => Promise<void>) => (...args: A) => Promise<void>;

/** A command's words, and how they reach the house. */
interface Line {
  program: Command;
  inHouse: InHouse;
  /** `matricula mode acme scim` and `matricula --tenant acme mode scim` mean the same. */
  named: (house: House, tenant: string | undefined) => LiveTenant;
}

export function operatorCommands(program: Command, inHouse: InHouse): void {
  const named = (house: House, tenant: string | undefined) => tenantOf(house, tenant ?? program.opts<{ tenant?: string }>().tenant);
  for (const add of [modes, heldChanges, domains, time, tokens, logs, groups]) add({ program, inHouse, named });
}

function modes({ program, inHouse, named }: Line): void {
  program
    .command('mode')
    .description('how a tenant is provisioned: manual, jit or scim; without a mode, which it is. What a change means is shown first')
    .argument('[tenant]', 'the tenant')
    .argument('[mode]', 'manual, jit or scim')
    .option('--confirm <code>', 'do it: the code of what was shown')
    .action(
      inHouse((house, out, first: string | undefined, second: string | undefined, opts: { confirm?: string }) => {
        const isMode = (text: string | undefined): text is Mode => text === 'manual' || text === 'jit' || text === 'scim';
        const [tenant, to] = second === undefined && isMode(first) ? [undefined, first] : [first, second];
        if (to === undefined) return modeShow(house, named(house, tenant), out);
        if (!isMode(to)) throw new Exit(EXIT.usage, 'a mode is manual, jit or scim');
        const live = named(house, tenant);
        return modeChange(house, live, { request: to, confirm: opts.confirm, drop: false, command: `matricula mode ${live.tenant.id} ${to}` }, out);
      }),
    );

  program
    .command('hand-over')
    .description('from sign-ins to a directory: how far it is, and its end')
    .argument('[tenant]', 'the tenant')
    .argument('[step]', 'report, complete or abort', 'report')
    .option('--confirm <code>', 'do it: the code of what was shown')
    .option('--drop', 'complete without what is held: it stays as given by hand')
    .option('--limit <n>', 'how many names of each kind', count, 20)
    .action(
      inHouse((house, out, tenant: string | undefined, step: string, opts: { confirm?: string; drop?: boolean; limit: number }) => {
        const live = named(house, tenant);
        if (step === 'report') return handOver(house, live, opts.limit, out);
        if (step !== 'complete' && step !== 'abort') throw new Exit(EXIT.usage, 'report, complete or abort');
        const drop = opts.drop === true;
        const command = `matricula hand-over ${live.tenant.id} ${step}${drop ? ' --drop' : ''}`;
        return modeChange(house, live, { request: step, confirm: opts.confirm, drop, command }, out);
      }),
    );
}

function heldChanges({ program, inHouse, named }: Line): void {
  const held = program.command('held').description('changes that wait for an operator');
  held
    .command('list')
    .argument('[tenant]')
    .option('--limit <n>', 'how many people', count, 50)
    .option('--after <id>', 'go on after this user')
    .action(
      inHouse((house, out, tenant: string | undefined, opts: { limit: number; after?: string }) =>
        heldList(house, named(house, tenant), { limit: opts.limit, after: opts.after ?? null }, out),
      ),
    );
  for (const [how, what] of [
    ['release', 'they happen, planned afresh'],
    ['drop', 'they do not happen: what would be lost stays as given by hand'],
  ] as const)
    held
      .command(how)
      .description(what)
      .argument('[user...]', 'ids, userNames or e-mails')
      .option('--all', 'everybody')
      .requiredOption('--reason <text>', 'why; it is kept in the journal')
      .action(
        inHouse((house, out, users: string[], opts: { all?: boolean; reason: string }) =>
          heldEnd(house, named(house, undefined), { how, users, all: opts.all === true, reason: opts.reason }, out),
        ),
      );
}

function domains({ program, inHouse, named }: Line): void {
  const domain = program.command('domain').description('domains that a tenant proves by a DNS record');
  domain
    .command('add')
    .description('ask for one of the tenant file; the record to set is shown')
    .argument('<domain>')
    .action(inHouse((house, out, name: string) => domainAdd(house, named(house, undefined), name, out)));
  domain
    .command('verify')
    .description('look for the record now')
    .argument('<domain>')
    .action(inHouse((house, out, name: string) => domainVerify(house, named(house, undefined), name, out)));
  domain
    .command('remove')
    .description('give it up')
    .argument('<domain>')
    .action(inHouse((house, out, name: string) => domainRemove(house, named(house, undefined), name, out)));
  domain.command('list').action(inHouse((house, out) => domainList(house, named(house, undefined), out)));
}

function time({ program, inHouse, named }: Line): void {
  program
    .command('sweep')
    .description('what is due by time, now: access that lapsed, people whose retention is over')
    .argument('[tenant]')
    .option('--allow-removals', "go beyond the tenant's limit on removals")
    .action(
      inHouse((house, out, tenant: string | undefined, opts: { allowRemovals?: boolean }) =>
        sweepNow(house, named(house, tenant), opts.allowRemovals === true, out),
      ),
    );

  program
    .command('leases')
    .description('who has not signed in for so long that access is about to lapse')
    .argument('[tenant]')
    .option('--limit <n>', 'how many', count, 50)
    .option('--after <id>', 'go on after this user')
    .action(
      inHouse((house, out, tenant: string | undefined, opts: { limit: number; after?: string }) =>
        leases(house, named(house, tenant), { limit: opts.limit, after: opts.after ?? null }, out),
      ),
    );

  program
    .command('seats')
    .description('how many users may be active')
    .argument('[tenant]')
    .argument('[number]', 'a number, or file for what the tenant file says')
    .action(inHouse((house, out, tenant: string | undefined, to: string | undefined) => seats(house, named(house, tenant), to, out)));
}

function tokens({ program, inHouse, named }: Line): void {
  const token = program.command('token').description("how a tenant's directory (SCIM) proves itself");
  token
    .command('create')
    .description('make a token; it is shown once')
    .argument('[tenant]')
    .option('--name <name>', 'whose it is', 'directory')
    .option('--expires <date>', 'until when it works', moment)
    .action(
      inHouse((house, out, tenant: string | undefined, opts: { name: string; expires?: Date }) =>
        tokenCreate(house, named(house, tenant), { name: opts.name, expiresAt: opts.expires ?? null }, out),
      ),
    );
  token
    .command('list')
    .argument('[tenant]')
    .action(inHouse((house, out, tenant: string | undefined) => tokenList(house, named(house, tenant), out)));
  /** The tenant may stand before the id, or in --tenant. */
  const tenantAndId = (house: House, first: string, second: string | undefined) =>
    second === undefined ? { live: named(house, undefined), id: first } : { live: named(house, first), id: second };
  token
    .command('rotate')
    .description('a new token; the old one goes on for 24 hours')
    .argument('<id>', 'or <tenant> <id>')
    .argument('[more]')
    .option('--expires <date>', 'until when the new one works; default: as long as the old one was to', moment)
    .action(
      inHouse((house, out, first: string, second: string | undefined, opts: { expires?: Date }) => {
        const { live, id } = tenantAndId(house, first, second);
        return tokenRotate(house, live, { id, expiresAt: opts.expires }, out);
      }),
    );
  token
    .command('revoke')
    .description('end a token at once')
    .argument('<id>', 'or <tenant> <id>')
    .argument('[more]')
    .action(
      inHouse((house, out, first: string, second: string | undefined) => {
        const { live, id } = tenantAndId(house, first, second);
        return tokenRevoke(house, live, id, out);
      }),
    );
}

function logs({ program, inHouse, named }: Line): void {
  program
    .command('log')
    .description('what the directory did, newest first')
    .argument('[tenant]')
    .option('--action <action>', 'CREATE, UPDATE or DELETE', action)
    .option('--outcome <outcome>', 'SUCCESS, SKIPPED or FAILED', outcome)
    .option('--resource <type>', 'User or Group', resource)
    .option('--id <id>', 'of this resource only')
    .option('--reference <code>', 'of this request only')
    .option('--since <date>', 'from this moment on', moment)
    .option('--until <date>', 'up to this moment', moment)
    .option('--before <id>', 'older than this entry, for paging')
    .option('--limit <n>', 'how many', count, 50)
    .option('--csv', 'for a spreadsheet')
    .action(
      inHouse((house, out, tenant: string | undefined, opts: { resource?: string; id?: string; csv?: boolean; limit: number }) => {
        const { resource: resourceType, id: resourceId, csv, ...rest } = opts;
        const filter = { ...rest, ...(resourceType !== undefined && { resourceType }), ...(resourceId !== undefined && { resourceId }) };
        return syncLog(house, named(house, tenant), { ...filter, csv: csv === true }, out);
      }),
    );

  program
    .command('doctor')
    .description("the directory's last requests and answers, and where a 2xx did less than was asked")
    .argument('[tenant]')
    .option('--limit <n>', 'how many', count, 20)
    .option('--bodies', 'what was sent and answered, personal values masked')
    .option('--reveal', 'personal values as they are')
    .action(
      inHouse((house, out, tenant: string | undefined, opts: { limit: number; bodies?: boolean; reveal?: boolean }) =>
        doctor(house, named(house, tenant), { limit: opts.limit, bodies: opts.bodies === true, reveal: opts.reveal === true }, out),
      ),
    );
}

function groups({ program, inHouse, named }: Line): void {
  const group = program.command('group').description('groups, and who was put into them by hand');
  group.command('list').action(inHouse((house, out) => groupList(house, named(house, undefined), out)));
  group
    .command('show')
    .argument('<group>', 'id or name')
    .action(inHouse((house, out, term: string) => groupShow(house, named(house, undefined), term, out)));
  group
    .command('create')
    .argument('<name>')
    .action(inHouse((house, out, name: string) => groupCreate(house, named(house, undefined), name, out)));
  group
    .command('delete')
    .argument('<group>', 'id or name')
    .action(inHouse((house, out, term: string) => groupDelete(house, named(house, undefined), term, out)));
  for (const [name, member] of [
    ['add', true],
    ['remove', false],
  ] as const)
    group
      .command(name)
      .argument('<group>', 'id or name')
      .argument('<user>', 'id, userName or e-mail')
      .action(inHouse((house, out, term: string, user: string) => groupMember(house, named(house, undefined), { group: term, user, member }, out)));
}
