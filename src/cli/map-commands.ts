/** Commands of an admin over a tenant's mapping: what they are called and take. What they do is in map.ts and explain.ts. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { House } from '../app.ts';
import type { Target } from '../core/model.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { count, target } from './arguments.ts';
import { explain, explainClaims, whoHas } from './explain.ts';
import { mapCancel, mapDiff, mapPlan, mapPublish, mapRollBack, mapShow, mapStatus, mapTest, mapVersions } from './map.ts';
import type { InHouse } from './operator-commands.ts';
import { EXIT, Exit } from './output.ts';
import { tenantOf } from './people.ts';

const number = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('a number');
  return Number(text);
};
const format = (text: string): 'text' | 'markdown' => {
  if (text !== 'text' && text !== 'markdown') throw new InvalidArgumentError('text or markdown');
  return text;
};

export function mapCommands(program: Command, inHouse: InHouse): void {
  const named = (house: House, tenant: string) => tenantOf(house, tenant);
  const own = (house: House): LiveTenant => tenantOf(house, program.opts<{ tenant?: string }>().tenant);
  const map = program.command('map').description('the mapping from claims to enrolments: plan, publish, follow, compare, go back');
  plans(map, inHouse, named);
  versions(map, inHouse, named);
  map
    .command('test')
    .description('write an example for tests: from what a real person’s provider said')
    .requiredOption('--from-user <user>', 'id, userName or e-mail')
    .option('--masked', 'without the person’s address')
    .action(
      inHouse((house, out, opts: { fromUser: string; masked?: boolean }) =>
        mapTest(house, own(house), { term: opts.fromUser, masked: opts.masked === true }, out),
      ),
    );

  program
    .command('explain')
    .description('why someone has an enrolment, and why not; or what would happen to somebody who came with these claims')
    .argument('[user]', 'id, userName or e-mail')
    .argument('[target]', 'such as bundle:sales-onboarding; without one, every target', target)
    .option('--claims <file>', 'JSON: {"connection": …, "email": …, "groups": […], "claims": {…}}')
    .action(
      inHouse((house, out, term: string | undefined, what: Target | undefined, opts: { claims?: string }) => {
        if ((term === undefined) === (opts.claims === undefined)) throw new Exit(EXIT.usage, 'either a user, or --claims');
        if (opts.claims !== undefined) return explainClaims(house, own(house), opts.claims, out);
        return explain(house, own(house), { term: term!, target: what }, out);
      }),
    );
  program
    .command('who')
    .description('who has something, by a rule, a target or a group')
    .option('--rule <id>', 'by this rule')
    .option('--target <target>', 'this target', target)
    .option('--group <name>', 'is in this group, by name or id')
    .option('--limit <n>', 'how many', count, 50)
    .option('--after <id>', 'go on after this id')
    .action(
      inHouse((house, out, opts: { rule?: string; target?: Target; group?: string; limit: number; after?: string }) => {
        const { after, ...asked } = opts;
        if (asked.rule === undefined && asked.target === undefined && asked.group === undefined)
          throw new Exit(EXIT.usage, 'say --rule, --target or --group');
        return whoHas(house, own(house), { ...asked, after: after ?? null }, out);
      }),
    );
}

type Named = (house: House, tenant: string) => LiveTenant;

function plans(map: Command, inHouse: InHouse, named: Named): void {
  map
    .command('plan')
    .description('what a tenant file would do to everybody known; changes nothing')
    .argument('<tenant>', 'the tenant')
    .argument('<file>', 'a tenant file')
    .option('--format <format>', 'text, or markdown for a pull request', format, 'text')
    .option('--people', 'the people, page by page, instead of the numbers')
    .option('--rule <id>', 'people whom this rule moves')
    .option('--target <target>', 'people who gain or lose this', target)
    .option('--limit <n>', 'how many people', count, 50)
    .option('--after <id>', 'go on after this id')
    .action(
      inHouse(
        (
          house,
          out,
          tenant: string,
          file: string,
          opts: { format: 'text' | 'markdown'; people?: boolean; rule?: string; target?: string; limit: number; after?: string },
        ) => {
          const { people, after, ...rest } = opts;
          return mapPlan(house, named(house, tenant), { file, ...rest, people: people === true, after: after ?? null }, out);
        },
      ),
    );
  map
    .command('publish')
    .description('bring a tenant file into force as it was planned, and conclude everybody')
    .argument('<tenant>', 'the tenant')
    .argument('<file>', 'the file that was planned')
    .requiredOption('--plan <digest>', 'of the plan that was shown')
    .option('--comment <text>', 'why, for the list of versions')
    .option('--allow-removals', "go beyond the tenant's limit on removals: nothing of it is held; the comment says why")
    .option('--allow-other-provider', 'let a connection trust another provider under the same id')
    .action(
      inHouse(
        (
          house,
          out,
          tenant: string,
          file: string,
          opts: { plan: string; comment?: string; allowRemovals?: boolean; allowOtherProvider?: boolean },
        ) => {
          const flags = { allowRemovals: opts.allowRemovals === true, allowOtherProvider: opts.allowOtherProvider === true };
          return mapPublish(house, named(house, tenant), { file, digest: opts.plan, comment: opts.comment ?? null, ...flags }, out);
        },
      ),
    );
  map
    .command('status')
    .description('publications, and how far everybody is concluded under them')
    .argument('<tenant>', 'the tenant')
    .option('--limit <n>', 'how many', count, 5)
    .action(inHouse((house, out, tenant: string, opts: { limit: number }) => mapStatus(house, named(house, tenant), opts.limit, out)));
  map
    .command('cancel')
    .description('stop concluding people: who is not done yet stays as they are until they sign in')
    .argument('<tenant>', 'the tenant')
    .argument('<revision>', 'as status shows it', number)
    .action(inHouse((house, out, tenant: string, revision: number) => mapCancel(house, named(house, tenant), revision, out)));
}

function versions(map: Command, inHouse: InHouse, named: Named): void {
  map
    .command('versions')
    .description('every published mapping, newest first')
    .argument('<tenant>', 'the tenant')
    .option('--limit <n>', 'how many', count, 20)
    .action(inHouse((house, out, tenant: string, opts: { limit: number }) => mapVersions(house, named(house, tenant), opts.limit, out)));
  map
    .command('show')
    .description('the document in force, or that of a version')
    .argument('<tenant>', 'the tenant')
    .argument('[version]', 'without one, what is in force', number)
    .action(inHouse((house, out, tenant: string, version: number | undefined) => mapShow(house, named(house, tenant), version ?? null, out)));
  map
    .command('diff')
    .description('what two versions say differently: rules added, removed, re-targeted')
    .argument('<tenant>', 'the tenant')
    .argument('<from>', 'a version', number)
    .argument('<to>', 'another', number)
    .action(inHouse((house, out, tenant: string, from: number, to: number) => mapDiff(house, named(house, tenant), { from, to }, out)));
  map
    .command('roll-back')
    .description('the rules of an earlier version: shown first, done with the plan that was shown')
    .argument('<tenant>', 'the tenant')
    .argument('<version>', 'a version', number)
    .option('--plan <digest>', 'do it')
    .option('--allow-removals', "go beyond the tenant's limit on removals: nothing of it is held")
    .action(
      inHouse((house, out, tenant: string, version: number, opts: { plan?: string; allowRemovals?: boolean }) =>
        mapRollBack(house, named(house, tenant), { version, digest: opts.plan ?? null, allowRemovals: opts.allowRemovals === true }, out),
      ),
    );
}
