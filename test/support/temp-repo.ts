/** Hermetic repositories for tests: own HOME, own global configuration, fixed identity. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Git, createGit } from '../../src/git/git.ts';
import { createRunner } from '../../src/sys/run.ts';

/** A repository in a directory of its own. */
export interface TempRepo {
  /** The directory that is removed at the end. */
  readonly base: string;
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** The git under test. */
  readonly git: Git;
  /** The user's own git, unhardened. */
  run(
    args: readonly string[],
    options?: { cwd?: string; env?: Readonly<Record<string, string>>; input?: string },
  ): string;
  write(path: string, content: string | Buffer): void;
  remove(): void;
}

/** Makes a repository with one commit (`a.txt`, `dir/b.txt`) on `main`; `commit: false` leaves it out. */
export function tempRepo(options: { name?: string; format?: string; commit?: boolean } = {}): TempRepo {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'para-git-')));
  const root = join(base, options.name ?? 'repo');
  const home = join(base, 'home');
  mkdirSync(home);
  mkdirSync(root);
  const config =
    '[user]\n\tname = "Ann \\"Q\\" O\'Neil"\n\temail = ann@example.test\n[init]\n\tdefaultBranch = main\n';
  writeFileSync(join(home, 'gitconfig'), config);
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    GIT_CONFIG_GLOBAL: join(home, 'gitconfig'),
    GIT_CONFIG_NOSYSTEM: '1',
  };
  const repo: TempRepo = {
    base,
    root,
    env,
    git: createGit(createRunner({ env }), env),
    run: (args, { cwd = root, env: more = {}, input } = {}) =>
      execFileSync('git', args, {
        cwd,
        env: { ...env, ...more },
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'pipe'],
        input: input ?? '',
      }).trim(),
    write: (path, content) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    },
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
  repo.run(['init', '-q', `--object-format=${options.format ?? 'sha1'}`]);
  if (options.commit === false) return repo;
  repo.write('a.txt', 'one\n');
  repo.write('dir/b.txt', 'two\n');
  repo.run(['add', '.']);
  repo.run(['commit', '-qm', 'first']);
  return repo;
}
