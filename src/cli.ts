#!/usr/bin/env node
/** `matricula`: every command over the same house that the gateway lives in. */
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { type House, type Options, openHouse } from './app.ts';
import { count, moment, outcome, targets } from './cli/arguments.ts';
import { mapCommands } from './cli/map-commands.ts';
import { operatorCommands } from './cli/operator-commands.ts';
import { createOutput, EXIT, Exit, type Output } from './cli/output.ts';
import { type Edit, editUser, journal, listUsers, showUser, tenantOf } from './cli/people.ts';
import { platformCommands } from './cli/platform-commands.ts';
import { apply, check } from './cli/tenants.ts';
import { readSettings, type Settings } from './config/settings.ts';
import type { Target } from './core/model.ts';
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
  matricula mode acme scim             what it would mean that its directory takes over; done with the code that is shown
  matricula check --online             whether their learning platforms would take what the files say
  matricula platform list acme         what waits for its learning platforms, and what to do
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

program
  .command('serve')
  .description('run the gateway until it is told to end (SIGTERM); SIGHUP takes tenant files in')
  .action(() => run(options(true)));

program
  .command('demo')
  .description('a sample world on loopback: tenant, SAML and OIDC providers, people, a sample school')
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
  .option('--online', 'ask their learning platforms too: credentials, plan, clock, and every target of the rules; counts calls in the database')
  .action((files: string[], opts: { online?: boolean }) =>
    check(files, files.length > 0 ? '' : settings().tenants, {
      out: createOutput(globals().json === true),
      online: opts.online ? () => openHouse(options(false)) : null,
    }),
  );

program
  .command('apply')
  .description('show what the tenant files would change, for tenants, connections, rules and people')
  .argument('[dir]', 'the tenant folder; default MATRICULA_TENANTS')
  .option('--yes', 'do it')
  .option('--allow-removals', "go beyond the tenant's limit on removals: nothing of it is held")
  .option('--allow-other-provider', 'let a connection trust another provider under the same id')
  .option('--force <why>', 'let files go over edits that were made since')
  .action(async (dir: string | undefined, opts: { yes?: boolean; allowRemovals?: boolean; allowOtherProvider?: boolean; force?: string }) => {
    if (dir !== undefined) process.env['MATRICULA_TENANTS'] = dir;
    await inHouse((house, out) =>
      apply(
        house,
        {
          yes: opts.yes === true,
          allowRemovals: opts.allowRemovals === true,
          allowOtherProvider: opts.allowOtherProvider === true,
          ...(opts.force !== undefined && { force: opts.force }),
        },
        out,
      ),
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
  .command('journal')
  .description('what was changed and what was refused, newest first')
  .option('--user <id>', 'of this user only')
  .option('--outcome <outcome>', 'SUCCESS, SKIPPED or FAILED', outcome)
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

operatorCommands(program, inHouse);
mapCommands(program, inHouse);
platformCommands(program, inHouse);

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
