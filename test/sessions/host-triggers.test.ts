import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { openRepository, type Repository } from '../../src/git/repository.ts';
import { hostTriggers, inWords, type HostTrigger } from '../../src/sessions/host-triggers.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let temp: TempRepo;
let repo: Repository;
beforeAll(async () => {
  temp = tempRepo();
  repo = await openRepository(temp.git, temp.root);
});
afterAll(() => {
  temp.remove();
});

/** What the next commit of these files is told to run. */
async function told(files: Readonly<Record<string, string>>, program = ''): Promise<readonly HostTrigger[]> {
  const before = temp.run(['rev-parse', 'HEAD']);
  for (const [path, content] of Object.entries(files)) temp.write(path, content);
  if (program !== '') chmodSync(join(temp.root, program), 0o755);
  temp.run(['add', '-A']);
  temp.run(['commit', '-qm', 'x']);
  return hostTriggers(repo, before, temp.run(['rev-parse', 'HEAD']));
}

test.each([
  ...['.husky/pre-commit', 'web/.husky/_/x', '.githooks/post-checkout', '.gitmodules', '.gitattributes'].map(
    (path) => ['git', path],
  ),
  ...['.lfsconfig', 'lefthook.yml', '.pre-commit-config.yaml'].map((path) => ['git', path]),
  ...['.envrc', 'sub/.envrc', '.mise.toml'].map((path) => ['shell', path]),
  ...['.vscode/tasks.json', '.idea/workspace.xml', '.devcontainer/devcontainer.json', 'x.code-workspace'].map(
    (path) => ['editor', path],
  ),
  ...['.mcp.json', '.claude/settings.json', '.cursor/mcp.json'].map((path) => ['agent', path]),
  ...['.github/workflows/ci.yml', '.gitlab-ci.yml', '.circleci/config.yml', 'Jenkinsfile'].map((path) => [
    'ci',
    path,
  ]),
  ...['Makefile', 'sub/GNUmakefile', 'justfile', '.npmrc'].map((path) => ['build', path]),
  ...['run.sh', 'a "b"\nc.sh', '.VSCode/x.sh'].map((path) => [
    /vscode/i.test(path) ? 'editor' : 'program',
    path,
  ]),
])('%s: %j', async (kind, path) => {
  expect(await told({ [path]: `${kind} ${path}` })).toEqual([{ kind, path }]);
});

test('a program by its mode, of a new file and of one that becomes one', async () => {
  expect(await told({ tool: 'x' }, 'tool')).toEqual([{ kind: 'program', path: 'tool' }]);
  expect(await told({}, 'a.txt')).toEqual([{ kind: 'program', path: 'a.txt' }]);
});

test('package.json by its scripts alone', async () => {
  const manifest = (scripts: object, dependencies = {}): Record<string, string> => ({
    'web/package.json': JSON.stringify({ dependencies, scripts }),
  });
  const trigger = [{ kind: 'build', path: 'web/package.json' }];
  expect(await told(manifest({}))).toEqual([]);
  expect(await told(manifest({ test: 'x' }))).toEqual(trigger);
  expect(await told(manifest({ test: 'x' }, { left: '1' }))).toEqual([]);
  expect(await told(manifest({ test: 'y' }))).toEqual(trigger);
  expect(await told({ 'web/package.json': '{' })).toEqual(trigger);
  expect(await told({ 'web/package.json': '['.repeat(9000) })).toEqual(trigger);
});

test.each(['src/hooks/use.ts', 'docs/Makefile.md', 'github/workflows/x.yml', 'not.vscode/x', 'b.txt'])(
  '%s is none',
  async (path) => {
    expect(await told({ [path]: 'x' })).toEqual([]);
  },
);

test('what is taken away runs nothing, and no change no git', async () => {
  await told({ 'gone.sh': 'x', other: 'x' });
  temp.run(['rm', '-q', 'gone.sh']);
  expect(await told({ other: 'y' })).toEqual([]);
  expect(await hostTriggers(repo, 'nothing', 'nothing')).toEqual([]);
});

test('what comes by itself is told first; of many some', async () => {
  const found = await told({ 'z.sh': '', Makefile: 'x', '.envrc': '', '.husky/a': '', '.husky/b': '' });
  expect(found.map(({ path }) => path)).toEqual(['.husky/a', '.husky/b', '.envrc', 'Makefile', 'z.sh']);
  const many = Array.from({ length: 9 }, (_, n) => ({ path: `${String(n)}\n`, kind: 'program' as const }));
  expect(inWords(many)).toEqual([expect.stringMatching(/: "0\\n", .*"5\\n", and 3 more$/)]);
  expect(inWords([])).toEqual([]);
});
