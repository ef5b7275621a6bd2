// The layer rule of docs/architecture: a folder imports only from folders above it in this list, never from a row-mate.
const rows = [
  ['base'],
  ['config', 'telemetry'],
  ['embedding'],
  ['backend'],
  ['ledger'],
  ['routing'],
  ['cache'],
  ['lifecycle'],
  ['gateway'],
  ['evaluation'],
  ['render'],
  ['http'],
  ['workers'],
];

const forbidden = [
  { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  { name: 'no-dev-dependency', severity: 'error', from: { path: '^src' }, to: { dependencyTypes: ['npm-dev'] } },
  {
    name: 'nothing-below-imports-assemble-or-cli',
    severity: 'error',
    from: { path: '^src/(?!cli/|assemble\\.ts|runtime\\.ts)' },
    to: { path: '^src/(cli/|assemble\\.ts|runtime\\.ts)' },
  },
];

rows.forEach((row, index) => {
  const below = rows.slice(index + 1).flat();
  for (const folder of row) {
    const mates = row.filter((mate) => mate !== folder);
    const denied = [...below, ...mates];
    if (denied.length === 0) continue;
    forbidden.push({
      name: `layer-${folder}`,
      comment: `${folder}/ may import only from rows above it`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: `^src/(${denied.join('|')})/` },
    });
  }
});

// Each library has one home; elsewhere the code speaks to our interface.
const homes = {
  undici: '^src/backend/',
  'onnxruntime-node': '^src/embedding/',
  '@huggingface/tokenizers': '^src/embedding/',
  libsql: '^src/ledger/',
  kysely: '^src/ledger/',
  pg: '^src/ledger/',
  'gpt-tokenizer': '^src/ledger/',
  'prom-client': '^src/telemetry/',
  pino: '^src/telemetry/',
  hono: '^src/http/',
  '@hono/node-server': '^src/http/',
  commander: '^src/cli/',
  chokidar: '^src/config/',
};
for (const [library, home] of Object.entries(homes)) {
  forbidden.push({
    name: `home-of-${library}`,
    severity: 'error',
    from: { path: '^src/', pathNot: home },
    to: { path: `node_modules/${library}/` },
  });
}

module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
