/** Who may import whom (DESIGN §5). Arrows point towards core, neighbours do not touch, flows is the only place where they meet. */
const room = (name) => `^src/${name}/`;
const only = (from, to) => ({
  name: `${from}-imports-only-${to.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: room(from) },
  to: { path: '^src/', pathNot: [from, ...to].map((n) => (n.includes('.') ? `^src/${n.replace('.', '\\.')}$` : room(n))) },
});
const fence = (library, rooms) => ({
  name: `${library}-only-in-${rooms.join('-')}`,
  severity: 'error',
  from: { path: '^src/', pathNot: rooms.map(room) },
  to: { path: `(^|/)node_modules/(@types/)?${library}(/|$)` },
});

module.exports = {
  forbidden: [
    only('core', []),
    only('lib', []),
    only('protocols', ['core', 'lib']),
    only('store', ['core', 'lib']),
    only('kv', ['lib', 'store/database.ts']),
    only('connectors', ['core', 'lib']),
    only('config', ['core', 'lib']),
    only('flows', ['core', 'lib', 'protocols', 'store', 'kv', 'connectors']),
    only('web', ['core', 'lib']),
    only('http', ['core', 'lib', 'web', 'flows', 'kv']),
    fence('drizzle-orm', ['store']),
    fence('better-sqlite3', ['store']),
    fence('pg', ['store']),
    fence('ioredis', ['kv']),
    fence('express', ['http']),
    fence('express-session', ['http']),
    fence('helmet', ['http']),
    fence('@node-saml', ['protocols']),
    fence('openid-client', ['protocols']),
    fence('yaml', ['config']),
    { name: 'core-is-pure', severity: 'error', from: { path: room('core') }, to: { dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-no-pkg'] } },
    {
      name: 'core-needs-only-node-util',
      severity: 'error',
      from: { path: room('core') },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?util$' },
    },
    {
      name: 'only-entries-import-app',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main|cli|app)\\.ts$|^src/cli/' },
      to: { path: '^src/(app|main|cli)\\.ts$' },
    },
    {
      name: 'no-fixtures-in-the-product',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli\\.ts$' },
      to: { path: '^(fixtures|test|bench)/' },
    },
    { name: 'no-dev-packages', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev'], pathNot: '/@types/' } },
    { name: 'no-circular', severity: 'error', from: { path: '^src/' }, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'resolvable', severity: 'error', from: { path: '^src/' }, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'], extensions: ['.ts', '.js'] },
  },
};
