// The lock file must install here and on the public registry: every dependency of every platform has its entry
// (npm leaves foreign ones out when a mirror does not answer for them), each with its integrity, none with an address.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const problems = [];

const resolves = (from, name) => {
  for (let base = from; ; base = base.slice(0, Math.max(base.lastIndexOf('/node_modules/'), 0))) {
    if (`${base ? `${base}/` : ''}node_modules/${name}` in packages) return true;
    if (base === '') return false;
  }
};

for (const [path, entry] of Object.entries(packages)) {
  for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
    if (!resolves(path, name)) problems.push(`${path || 'the project'} needs ${name}, which has no entry`);
  }
  if (path !== '' && !entry.integrity) problems.push(`${path} has no integrity`);
  if (entry.resolved) problems.push(`${path} names an address`);
}
const own = JSON.parse(readFileSync('package.json', 'utf8'));
for (const [name, version] of Object.entries({ ...own.dependencies, ...own.devDependencies })) {
  if (!/^\d+\.\d+\.\d+$/.test(version)) problems.push(`package.json: ${name} is not pinned: ${version}`);
}

for (const problem of problems) console.error(problem);
console.log(
  problems.length === 0 ? `lock file complete: ${Object.keys(packages).length - 1} packages` : `${problems.length} problems in package-lock.json`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
