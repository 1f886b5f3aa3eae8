/** docs/settings.md and config/examples/settings.env, made from the table of settings by `npm run schema`. */
import { SETTINGS, type Setting } from './settings.ts';

const entries = Object.values(SETTINGS) as Setting[];
const MADE = 'Made from src/config/settings.ts by `npm run schema`: change it there.';

export function settingsPage(): string {
  const sections = entries.map((entry) => {
    const unset = entry.fallback === null ? `if not set: ${entry.without}` : `default: \`${entry.fallback}\``;
    return `## ${entry.variable}\n\n${entry.sentence}\n\n- ${entry.form}\n- ${unset}\n`;
  });
  return `<!-- ${MADE} -->

# Settings of the process

Read from the environment at start. A variable that is empty counts as not set. A value that cannot be used, or a setting whose name is slightly wrong,
stops the start; every such problem is told at once. \`config/examples/settings.env\` holds them all.

${sections.join('\n')}`;
}

export function settingsExample(): string {
  const lines = entries.map((entry) => {
    const unset = entry.fallback === null ? `If not set: ${entry.without}.` : `Default: ${entry.fallback}`;
    return `# ${entry.sentence}\n# Form: ${entry.form}. ${unset}\n#${entry.variable}=${entry.example}\n`;
  });
  return `# ${MADE}\n# Copy it, remove the # of the lines you need.\n\n${lines.join('\n')}`;
}
