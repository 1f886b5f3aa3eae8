/** docs/modes.md, made from the table in core/mode by `npm run schema`. */
import { MODE_REQUESTS, MODE_STATES, type ModeState, type ModeStep, modeStep } from '../core/mode.ts';

const named = ({ mode, phase }: ModeState): string => (phase === null ? `\`${mode}\`` : `\`${mode}\`, ${phase}`);

function cell(step: ModeStep): string {
  if (step.kind === 'unchanged') return 'no change';
  if (step.kind === 'refused') return `refused: ${step.why}`;
  const parts = [
    `→ ${step.to === 'before' ? 'the mode before the hand-over' : named(step.to)}`,
    ...(step.needs.length > 0 ? [`needs ${step.needs.map((need) => need.replace('-', ' ')).join(' and ')}`] : []),
    ...(step.issuesToken ? ['makes a token'] : []),
    ...(step.revokesTokens ? ['ends all tokens'] : []),
    ...(step.held === 'none' ? [] : [`held changes are ${step.held}`]),
  ];
  return parts.join('; ');
}

export function modesPage(): string {
  const head = ['', ...MODE_REQUESTS.map((request) => `\`${request}\``)];
  const rows = MODE_STATES.map((from) => [named(from), ...MODE_REQUESTS.map((request) => cell(modeStep(from, request)))]);
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const outcomes = new Map<string, string>();
  for (const from of MODE_STATES)
    for (const request of MODE_REQUESTS) {
      const step = modeStep(from, request);
      if (step.kind === 'step') outcomes.set(request, step.outcome);
    }
  return `<!-- Made from src/core/mode.ts by \`npm run schema\`: change it there. -->

# Modes

A tenant is provisioned in one mode at a time. Operators change it: \`matricula mode <tenant> <mode>\`, or \`POST /api/v1/tenants/<tenant>/provisioning-mode\`. What a change means is shown first;
it is done with the confirmation that belongs to what was shown, in one transaction. A file never changes it.

What is asked for (across), in which state (down):

${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}

Users, groups and enrolments stay in every case. Whose word counts afterwards:

${[...outcomes].map(([request, outcome]) => `- \`${request}\`: ${outcome}`).join('\n')}
`;
}
