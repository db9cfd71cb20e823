/** The layers of ARCHITECTURE.md as rules; each says why. */
const owner = (name, file, why) => ({
  name: `${name}-has-one-owner`,
  comment: why,
  severity: 'error',
  from: { path: '^src', pathNot: file },
  to: { path: `node_modules/${name}/` },
});
const layer = (from, to, why) => ({
  name: `${from.replace(/\W+/g, '-')}-stays-below`,
  comment: why,
  severity: 'error',
  from: { path: `^src/${from}/` },
  to: { path: `^src/(${to})(/|\\.)` },
});

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'A cycle can not be read from top to bottom, nor tested apart.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file nothing imports is dead.',
      severity: 'error',
      from: { orphan: true, path: '^src', pathNot: '^src/(proxy/)?main\\.ts$' },
      to: {},
    },
    {
      name: 'errors-import-nothing',
      comment: 'Everything imports the catalogue, so it may import nothing.',
      severity: 'error',
      from: { path: '^src/errors' },
      to: {},
    },
    layer(
      'proxy',
      'cli|sessions|docker|git|config|ui|pipeline|sys|errors|main',
      'The proxy runs alone, beside a box: what it does is all in its own room.',
    ),
    layer('sys', 'cli|sessions|docker|git|config|ui|pipeline', 'sys knows nothing of para.'),
    layer(
      'docker',
      'cli|sessions|git|config|ui|pipeline',
      'The engine room must be usable without sessions, git or settings.',
    ),
    layer(
      'git',
      'cli|sessions|docker|config|ui|pipeline',
      'The git room must be usable without sessions or engines.',
    ),
    layer('config', 'cli|sessions|docker|git|ui|pipeline', 'Settings are read before anything else exists.'),
    layer('sessions', 'cli|ui', 'What para does must not know how it is typed or shown.'),
    layer('pipeline', 'cli|sessions|docker|git|config|ui', 'Steps are run without knowing what they do.'),
    layer('ui', 'cli|docker|git|config', 'The views see data, not the things that made it.'),
    owner(
      'execa',
      '^src/sys/run\\.ts$',
      'One place spawns: deadlines, abort and redaction can not be forgotten.',
    ),
    owner(
      'listr2',
      '^src/pipeline/show\\.ts$',
      'Its rollback and signals are not enough; one adapter hides that.',
    ),
    owner('chalk', '^src/ui/colours\\.ts$', 'Colours are decided once, in ui.'),
    owner('yargs', '^src/cli/', 'Only the command line knows how words are parsed.'),
    owner(
      'which',
      '^src/docker/detect\\.ts$',
      'Binaries are looked up in one place, on absolute PATH entries.',
    ),
    owner(
      'ajv',
      '^src/config/',
      'Schemas are compiled ahead of time; the room of settings knows the shape of its errors.',
    ),
    owner(
      'ink',
      '^src/ui/monitor/',
      'One view draws on the whole screen; who does not watch does not load it.',
    ),
    owner('react', '^src/ui/monitor/', 'Components are for what changes while somebody looks.'),
    owner(
      'tar',
      '^src/(sessions/keep-files|docker/proxy-image)\\.ts$',
      'Archives of work are packed and unpacked in one place, and an image is packed in another.',
    ),
    owner('@inquirer', '^src/cli/ask\\.ts$', 'Questions are asked in one way, and only on a terminal.'),
    {
      name: 'spawning-has-one-owner',
      comment: 'argv only, never a shell: sys/run alone, and what it hands the terminal or the reading to.',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/sys/(run|background|foreground|child-end|last-words)\\.ts$' },
      to: { path: '^(node:)?child_process$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.cjs', '.json'],
    },
  },
};
