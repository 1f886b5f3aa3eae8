#!/usr/bin/env node
/** `matricula`: every command over the same house that the gateway lives in. */
import { dirname, join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type House, type Options, openHouse } from './app.ts';
import { doctor, syncLog, tokenCreate, tokenList, tokenRevoke, tokenRotate } from './cli/directory.ts';
import { domainAdd, domainList, domainVerify } from './cli/domains.ts';
import { groupCreate, groupDelete, groupList, groupMember, groupShow } from './cli/groups.ts';
import { handOver, heldEnd, heldList, modeChange, modeShow, seats } from './cli/modes.ts';
import { createOutput, EXIT, Exit, type Output } from './cli/output.ts';
import { type Edit, editUser, explain, journal, listUsers, showUser, tenantOf } from './cli/people.ts';
import { leases, sweepNow } from './cli/sweep.ts';
import { apply, check } from './cli/tenants.ts';
import { readSettings, type Settings } from './config/settings.ts';
import type { Mode, Target } from './core/model.ts';
import { Refusal } from './core/refusal.ts';
import { createKey } from './flows/admin.ts';
import { createLog, silentLog } from './lib/log.ts';
import { secretFile } from './lib/secret-file.ts';
import { run } from './main.ts';
import { migrate } from './store/open.ts';

const program = new Command('matricula')
  .description('Just-in-time SSO provisioning gateway for learning platforms')
  .option('--json', 'one JSON document on standard output')
  .option('-t, --tenant <id>', 'the tenant; not needed where there is only one')
  .configureOutput({ outputError: (text, write) => write(text) })
  .exitOverride((error) => {
    throw new Exit(error.exitCode === 0 ? EXIT.done : EXIT.usage);
  })
  .addHelpText(
    'after',
    `
Settings come from MATRICULA_… variables: see docs/settings.md.
Exit codes: 0 done · 1 refused or problems found · 2 called wrongly · 3 a store is away

Examples:
  matricula check config/tenants/acme.yaml
  matricula apply                      what the tenant files would change, people included
  matricula apply --yes                take them into the running gateway
  matricula explain ada@acme.example bundle:sales-onboarding
  matricula journal --outcome FAILED --json
  matricula mode acme scim             its directory takes over; the first token is shown once
  matricula log acme --since 2026-11-24 --csv > sync.csv
  matricula doctor acme --bodies       why a sync does not do what it should`,
  );

const globals = () => program.opts<{ json?: boolean; tenant?: string }>();

function settings(): Settings {
  const read = readSettings(process.env);
  if (!read.ok) throw new Exit(EXIT.usage, read.problems.join('\n'));
  return read.settings;
}

/** Beside the database where that is a file, else in `data`. Only on loopback: with a public address the settings demand one. */
function secretOf({ secret, database }: Settings): Buffer {
  if (secret !== null) return secret;
  const file = /^sqlite:(?!:memory:)(.+)$/.exec(database)?.[1];
  return secretFile(join(file === undefined ? 'data' : dirname(file), 'secret'));
}

function options(serving: boolean): Options {
  const read = settings();
  return { settings: read, secret: secretOf(read), log: serving ? createLog(read.logLevel) : silentLog };
}

/** Opens the house for one command and closes it whatever happens. */
const inHouse =
  <A extends unknown[]>(work: (house: House, out: Output, ...args: A) => Promise<void>) =>
  async (...args: A): Promise<void> => {
    const house = await openHouse(options(false));
    try {
      await work(house, createOutput(globals().json === true), ...args);
    } finally {
      await house.close();
    }
  };

const target = (text: string): Target => {
  if (!/^(bundle|collection|group):\S+$/.test(text)) throw new InvalidArgumentError('a target is bundle:<slug>, collection:<slug> or group:<slug>');
  return text as Target;
};
const targets = (text: string, before: Target[] | undefined): Target[] => [...(before ?? []), target(text)];
const count = (text: string): number => {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('a number from 1 to 9999');
  return Number(text);
};
const moment = (text: string): Date => {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError('a date, such as 2026-11-24 or 2026-11-24T08:00:00Z');
  return at;
};

const OUTCOME = (text: string) => {
  if (text !== 'SUCCESS' && text !== 'SKIPPED' && text !== 'FAILED') throw new InvalidArgumentError('SUCCESS, SKIPPED or FAILED');
  return text;
};
const ACTION = (text: string) => {
  if (text !== 'CREATE' && text !== 'UPDATE' && text !== 'DELETE') throw new InvalidArgumentError('CREATE, UPDATE or DELETE');
  return text;
};
const RESOURCE = (text: string) => {
  if (text !== 'User' && text !== 'Group') throw new InvalidArgumentError('User or Group');
  return text;
};

program
  .command('serve')
  .description('run the gateway until it is told to end (SIGTERM); SIGHUP takes tenant files in')
  .action(() => run(options(true)));

program
  .command('demo')
  .description('a sample world on loopback: tenant, SAML and OIDC providers, people, a local catalogue')
  .option('--once', 'perform one sign-in of each kind, print what came of it, and end')
  .action(async (opts: { once?: boolean }) => {
    // Fixtures are no part of an installed gateway; only this command reaches for them.
    const { demo } = await import('../fixtures/demo/demo.ts').catch(() => {
      throw new Exit(EXIT.refused, 'the demo is part of the repository: git clone, npm ci, npm run demo');
    });
    await demo({ once: opts.once === true, json: globals().json === true });
  });

program
  .command('check')
  .description('look for every problem in tenant files and run their tests; needs no database')
  .argument('[file...]', 'tenant files; without one, the tenant folder')
  .action((files: string[]) => check(files, files.length > 0 ? '' : settings().tenants, createOutput(globals().json === true)));

program
  .command('apply')
  .description('show what the tenant files would change, for tenants, connections, rules and people')
  .argument('[dir]', 'the tenant folder; default MATRICULA_TENANTS')
  .option('--yes', 'do it')
  .option('--allow-removals', "go beyond the tenant's limit on removals")
  .option('--allow-other-provider', 'let a connection trust another provider under the same id')
  .action(async (dir: string | undefined, opts: { yes?: boolean; allowRemovals?: boolean; allowOtherProvider?: boolean }) => {
    if (dir !== undefined) process.env['MATRICULA_TENANTS'] = dir;
    await inHouse((house, out) =>
      apply(house, { yes: opts.yes === true, allowRemovals: opts.allowRemovals === true, allowOtherProvider: opts.allowOtherProvider === true }, out),
    )();
  });

const user = program.command('user').description('the people of a tenant');
user
  .command('list')
  .option('--search <text>', 'part of the userName or e-mail')
  .option('--limit <n>', 'how many', count, 50)
  .option('--after <id>', 'go on after this id')
  .action(
    inHouse((house, out, opts: { search?: string; limit: number; after?: string }) =>
      listUsers(house, tenantOf(house, globals().tenant), { ...opts, after: opts.after ?? null }, out),
    ),
  );
user
  .command('show')
  .argument('<user>', 'id, userName or e-mail')
  .action(inHouse((house, out, term: string) => showUser(house, tenantOf(house, globals().tenant), term, out)));
user
  .command('edit')
  .description('enrol by hand, take back what was given by hand, suspend or reactivate')
  .argument('<user>', 'id, userName or e-mail')
  .option('--grant <target>', 'give by hand; may be repeated', targets)
  .option('--revoke <target>', 'take back what was given by hand; may be repeated', targets)
  .option('--suspend', 'the user may not sign in any more')
  .option('--activate', 'the user may sign in again')
  .action(
    inHouse((house, out, term: string, opts: { grant?: Target[]; revoke?: Target[]; suspend?: boolean; activate?: boolean }) => {
      if (opts.suspend && opts.activate) throw new Exit(EXIT.usage, 'either --suspend or --activate');
      const status = opts.suspend ? ('suspended' as const) : opts.activate ? ('active' as const) : undefined;
      const edit: Edit = { ...(opts.grant && { grant: opts.grant }), ...(opts.revoke && { revoke: opts.revoke }), ...(status && { status }) };
      return editUser(house, tenantOf(house, globals().tenant), { term, edit }, out);
    }),
  );

program
  .command('explain')
  .description('why someone has an enrolment, and why not')
  .argument('<user>', 'id, userName or e-mail')
  .argument('[target]', 'such as bundle:sales-onboarding; without one, every target', target)
  .action(
    inHouse((house, out, term: string, what: Target | undefined) => explain(house, tenantOf(house, globals().tenant), { term, target: what }, out)),
  );

program
  .command('journal')
  .description('what was changed and what was refused, newest first')
  .option('--user <id>', 'of this user only')
  .option('--outcome <outcome>', 'SUCCESS, SKIPPED or FAILED', OUTCOME)
  .option('--reference <code>', 'the code that a page showed')
  .option('--since <date>', 'from this moment on', moment)
  .option('--before <id>', 'older than this entry, for paging')
  .option('--limit <n>', 'how many', count, 50)
  .action(
    inHouse(
      (
        house,
        out,
        opts: { user?: string; outcome?: 'SUCCESS' | 'SKIPPED' | 'FAILED'; reference?: string; since?: Date; before?: string; limit: number },
      ) => {
        const { user: resourceId, ...rest } = opts;
        return journal(house, tenantOf(house, globals().tenant), { ...rest, ...(resourceId === undefined ? {} : { resourceId }) }, out);
      },
    ),
  );

/** `matricula mode acme scim` and `matricula --tenant acme mode scim` mean the same. */
const named = (house: House, tenant: string | undefined) => tenantOf(house, tenant ?? globals().tenant);

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
domain.command('list').action(inHouse((house, out) => domainList(house, named(house, undefined), out)));

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

program
  .command('log')
  .description('what the directory did, newest first')
  .argument('[tenant]')
  .option('--action <action>', 'CREATE, UPDATE or DELETE', ACTION)
  .option('--outcome <outcome>', 'SUCCESS, SKIPPED or FAILED', OUTCOME)
  .option('--resource <type>', 'User or Group', RESOURCE)
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

program
  .command('migrate')
  .description('bring the database up to date')
  .action(async () => {
    const { applied } = await migrate(settings().database);
    createOutput(globals().json === true).result({ applied }, applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`);
  });

const key = program.command('key').description('bearer keys of the admin API');
key
  .command('create')
  .description('make a key; it is shown once. With --tenant it opens that tenant only')
  .requiredOption('--name <name>', 'whose key it is')
  .option('--expires <date>', 'until when it works', moment)
  .action(
    inHouse(async (house, out, opts: { name: string; expires?: Date }) => {
      const tenantId = globals().tenant === undefined ? null : tenantOf(house, globals().tenant).tenant.id;
      const made = await createKey(
        { ...house.flow, store: house.store, vault: house.vault },
        { name: opts.name, tenantId, expiresAt: opts.expires ?? null },
      );
      out.result({ ...made, tenantId }, `${made.key}\nKeep it now: it is not shown again.`);
    }),
  );

/** Expected answers are one line on standard error; anything else is a fault with its stack. */
async function main(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof Exit) {
      if (error.message !== '') process.stderr.write(`matricula: ${error.message}\n`);
      process.exitCode = error.code;
    } else if (error instanceof Refusal) {
      process.stderr.write(`matricula: refused: ${error.message}\n`);
      process.exitCode = EXIT.refused;
    } else if (error instanceof Error && error.name === 'Unavailable') {
      process.stderr.write(`matricula: the database is away: ${error.message}\n`);
      process.exitCode = EXIT.away;
    } else if (error instanceof Error && error.name === 'Conflict') {
      process.stderr.write('matricula: somebody else changed the same at this moment: look again, then try again\n');
      process.exitCode = EXIT.refused;
    } else if (error instanceof Error && error.name === 'Vanished') {
      process.stderr.write('matricula: somebody else has removed it at this moment\n');
      process.exitCode = EXIT.refused;
    } else if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EADDRINUSE')) {
      process.stderr.write(`matricula: ${error.message}\n`);
      process.exitCode = EXIT.refused;
    } else throw error;
  }
}

// A reader that has seen enough (`| head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.refused));
await main();
