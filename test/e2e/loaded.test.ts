/** What a command does not use, it does not load: what of the bundle is run by the commands typed most. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, type World } from '../support/para.ts';

/** Of each chunk, what it was made of; written by scripts/build.mjs. */
const built = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../node_modules/.cache/para-build.json'), 'utf8'),
) as Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
const [engine] = testEngines();
let world: World;
let repo: string;

beforeAll(async () => {
  world = makeWorld(engine);
  repo = await world.repo();
  const start = ['start', 's', '--docker', '--image', testImages().busybox];
  expect(await world.para(repo, start)).toMatchObject({ code: 0 });
  // What is compiled anew is counted; what was kept is not.
  const cache = join(world.dir, 'cache/para');
  rmSync(join(cache, 'code'), { recursive: true });
  writeFileSync(join(cache, 'code'), '');
});
afterAll(() => world.remove());

/** What V8 says of a script: how often each of its functions ran. */
interface Covered {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly count: number }[];
  }[];
}

/** Files of the bundle's sources that were run: chunks by what they are made of, CommonJS in them by itself. */
async function loaded(args: readonly string[]): Promise<readonly string[]> {
  const log = join(world.dir, 'tmp', 'covered');
  rmSync(log, { recursive: true, force: true });
  const env = { NODE_V8_COVERAGE: log };
  expect(await world.para(repo, args, { env })).toMatchObject({ code: 0 });
  const [name = ''] = readdirSync(log);
  const { result } = JSON.parse(readFileSync(join(log, name), 'utf8')) as { result: readonly Covered[] };
  const bundle = result.filter(({ url }) => /\/dist\/(para|lists|rest)\.js$/.test(url));
  const ran = bundle.flatMap(({ functions }) =>
    functions.filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0).map(({ functionName }) => functionName),
  );
  const inputs = ran.flatMap((chunk) => Object.keys(built[`dist/${chunk.slice(2)}`]?.inputs ?? {}));
  // esbuild names what it wraps by its path: that is there, and may not have run.
  const wrapped = new Set(
    bundle.flatMap(({ functions }) => functions.map(({ functionName }) => functionName)),
  );
  return inputs.filter((input) => ran.includes(input) || !wrapped.has(input));
}

const packages = (inputs: readonly string[]): readonly string[] =>
  [...new Set(inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))].sort();
const YARGS = ['cliui', 'escalade', 'get-caller-file', 'y18n', 'yargs', 'yargs-parser'];
const WIDTHS = ['ansi-regex', 'emoji-regex', 'get-east-asian-width', 'string-width', 'strip-ansi'];
const OWN = ['fastest-levenshtein', 'isexe', 'which'];

/** All of src/ that `docker exec` runs, by directory: what is new here costs each of its calls. */
const EXEC = Object.entries({
  cli: 'app define globals line plain-line program table waiting',
  'cli/commands': 'docker-exec',
  config: 'explain nearest records words',
  'config/generated': 'session.cjs validators.cjs',
  docker:
    'argv bridge capability-cache cgroup classify deadline denied-mounts detect endpoint exec failure host-path image image-pattern inspect ipv6 lifecycle limits mount-paths mounts networks parse ps-ports publish service spec stats subnet update version',
  'docker/drivers': 'docker docker-errors podman podman-errors runtime-errors',
  '': 'errors main',
  git: 'filters git no-space refs repository untrusted worktree-remove worktrees',
  sessions: 'containers damage env-file find load-record name record-file registry store trust warm-links',
  sys: 'cancel child-end fault files foreground json-depth last-words left-behind lock private-dir redact remove-tree run sha256 shell-quote untrusted',
  ui: 'display output paint',
}).flatMap(([directory, names]) =>
  names
    .split(' ')
    .map(
      (name) => `${directory === '' ? '' : `${directory}/`}${name.endsWith('.cjs') ? name : `${name}.ts`}`,
    ),
);

test('--version: nothing of the bundle', async () => {
  expect(await loaded(['--version'])).toEqual([]);
});

test.each([
  ['docker exec', ['docker', 'exec', 's', '--', 'true']],
  ['docker logs', ['docker', 'logs', 's']],
  ['docker list', ['docker', 'list']],
  ['list', ['list']],
])('%s: no yargs, no task list, no live view, no prompts, no compiler of schemas', async (name, args) => {
  const inputs = await loaded(args);
  const used = packages(inputs);
  for (const one of [...YARGS, 'listr2', 'ink', 'react', 'tar', '@inquirer/select', 'jsonc-parser'])
    expect(used).not.toContain(one);
  // In a pipe there are no colours, and what is only read to its end is run without execa.
  const has = name === 'list' || name === 'docker list' ? [...OWN, ...WIDTHS, 'wrap-ansi'] : OWN;
  expect(used.filter((one) => !has.includes(one))).toEqual([]);
  expect(inputs.filter((path) => /^src\/(ui\/monitor|pipeline|config\/load)/.test(path))).toEqual([]);
  const commands = inputs.filter((path) => path.startsWith('src/cli/commands/'));
  expect(commands).toEqual([`src/cli/commands/${name.replace(' ', '-')}.ts`]);
});

test('docker exec: these of the sources, and of the validators the one of the record that is read', async () => {
  const inputs = await loaded(['docker', 'exec', 's', '--', 'true']);
  const own = inputs.filter((path) => path.startsWith('src/')).map((path) => path.slice('src/'.length));
  expect([...new Set(own)].sort()).toEqual(EXEC.toSorted());
});

test('a line that has to be thought about has yargs', async () => {
  expect(packages(await loaded(['list', '--help']))).toEqual(
    expect.arrayContaining(['yargs', 'yargs-parser']),
  );
});
