/** Hermetic repositories for tests: own HOME, own global configuration, fixed identity. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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
  fill(repo, options);
  return repo;
}

/** What a new repository consists of, by its kind: git makes the first one of a test file, the others are copies. */
const models = new Map<string, readonly Copy[]>();

function fill(
  repo: TempRepo,
  { format = 'sha1', commit = true }: { format?: string; commit?: boolean },
): void {
  const kind = `${format} ${String(commit)}`;
  const model = models.get(kind);
  if (model === undefined) {
    make(repo, format, commit);
    models.set(kind, copyOf(repo.root));
    return;
  }
  for (const { path, mode, content } of model) {
    if (content === undefined) mkdirSync(join(repo.root, path), { recursive: true });
    else writeFileSync(join(repo.root, path), content, { mode });
  }
  // The index knows the files by their times and numbers.
  if (commit) repo.run(['update-index', '-q', '--refresh']);
}

function make(repo: TempRepo, format: string, commit: boolean): void {
  repo.run(['init', '-q', `--object-format=${format}`]);
  if (!commit) return;
  repo.write('a.txt', 'one\n');
  repo.write('dir/b.txt', 'two\n');
  repo.run(['add', '.']);
  repo.run(['commit', '-qm', 'first']);
}

/** A directory (without content) or a file. */
interface Copy {
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer | undefined;
}

/** Directories come before what is in them. */
function copyOf(root: string): readonly Copy[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => {
      const found = statSync(join(root, path));
      const content = found.isDirectory() ? undefined : readFileSync(join(root, path));
      return { path, mode: found.mode & 0o777, content };
    });
}
