/** The built binary on one real engine, as that engine's user, with a home, settings and repositories of its own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestEngine } from './engines.ts';
import { noteLabel } from './run-dir.ts';

const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Where the build under test is; another one can be named. */
const DIST = process.env['PARA_TEST_DIST'] || join(PROJECT, 'dist');

/** How a process ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Buffer;
}

export interface Options {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  /** Leave stdin open, for a person who goes on typing. */
  readonly open?: boolean;
}

/** A process that is still running. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface World {
  /** Everything is below; readable by the engine's user and removed at the end. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  /** `main.js` of the copy under test. */
  readonly binary: string;
  para(cwd: string, args: readonly string[], options?: Options): Promise<Ended>;
  /** Any command as the engine's user. */
  run(command: readonly string[], options?: Options): Promise<Ended>;
  start(command: readonly string[], options?: Options): Running;
  /** Output of a command that must succeed, trimmed. */
  out(command: readonly string[], options?: Options): Promise<string>;
  /** Output of the engine's own command line, which must succeed. */
  engine(...args: readonly string[]): Promise<string>;
  /** A repository with one commit on `main`; `path` is below the world's directory. */
  repo(path?: string): Promise<string>;
  /** Removes containers and networks of its repositories, and the directory. */
  remove(): Promise<void>;
}

/** `para-<repo>-…`: the part of every container's name that tells repositories apart. */
export function repoId(root: string): string {
  return createHash('sha256')
    .update(join(realpathSync(root), '.git'))
    .digest('hex')
    .slice(0, 8);
}

/** Makes a world on `engine`; without one, for what needs no container. */
export function makeWorld(engine?: TestEngine): World {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'para-e2e-')));
  chmodSync(dir, 0o755);
  const owned = ['home', 'config', 'cache', 'state', 'tmp', 'work'].map((name) => join(dir, name));
  for (const path of owned) mkdirSync(path);
  if (engine !== undefined) for (const path of owned) chownSync(path, engine.uid, engine.gid);
  copyBuild(join(dir, 'para'));
  const gitconfig = join(dir, 'gitconfig');
  writeFileSync(
    gitconfig,
    '[user]\n\tname = Ann\n\temail = ann@example.test\n[init]\n\tdefaultBranch = main\n',
  );
  const env = {
    PATH: process.env['PATH'],
    HOME: join(dir, 'home'),
    TERM: 'xterm',
    ...engine?.env,
    XDG_CONFIG_HOME: join(dir, 'config'),
    XDG_CACHE_HOME: join(dir, 'cache'),
    XDG_STATE_HOME: join(dir, 'state'),
    TMPDIR: join(dir, 'tmp'),
    GIT_CONFIG_GLOBAL: gitconfig,
    GIT_CONFIG_NOSYSTEM: '1',
    ...(engine === undefined ? {} : { PARA_ENGINE: engine.engine }),
  };
  return worldIn(dir, env, engine);
}

function copyBuild(to: string): void {
  mkdirSync(to);
  cpSync(DIST, join(to, 'dist'), { recursive: true });
  cpSync(join(PROJECT, 'schemas'), join(to, 'schemas'), { recursive: true });
  cpSync(join(PROJECT, 'package.json'), join(to, 'package.json'));
  execFileSync('chmod', ['-R', 'a+rX', to]);
}

function worldIn(dir: string, env: NodeJS.ProcessEnv, engine: TestEngine | undefined): World {
  const repos: string[] = [];
  const binary = join(dir, 'para', 'dist', 'main.js');
  const prefix = engine?.prefix ?? [];
  const world: World = {
    dir,
    env,
    binary,
    start: (command, options = {}) =>
      launch([...prefix, ...command], dir, { ...env, ...options.env }, options),
    run: (command, options) => world.start(command, options).ended,
    para: (cwd, args, options) => world.run([process.execPath, binary, ...args], { cwd, ...options }),
    out: async (command, options) => {
      const ended = await world.run(command, options);
      if (ended.code !== 0) throw new Error(`${command.join(' ')}: ${String(ended.code)}\n${ended.stderr}`);
      return ended.stdout.trim();
    },
    engine: (...args) => world.out([engine?.engine ?? 'docker', ...args]),
    repo: async (path = 'repo') => {
      const root = join(dir, 'work', path);
      await world.out(['mkdir', '-p', root]);
      await world.out(
        [
          'sh',
          '-ec',
          'git init -q; mkdir d; echo one >a.txt; echo two >d/b.txt; git add .; git commit -qm first',
        ],
        { cwd: root },
      );
      repos.push(root);
      noteLabel(`para.repo=${repoId(root)}`);
      return root;
    },
    remove: async () => {
      try {
        if (engine !== undefined) for (const root of repos) await sweep(world, repoId(root));
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
  return world;
}

async function sweep(world: World, id: string): Promise<void> {
  const filter = ['--filter', `label=para.repo=${id}`];
  const containers = await world.engine('ps', '-aq', ...filter);
  for (const container of words(containers)) await world.engine('rm', '-f', container);
  for (const network of words(await world.engine('network', 'ls', '-q', ...filter)))
    await world.engine('network', 'rm', network);
}

function launch(command: readonly string[], dir: string, env: NodeJS.ProcessEnv, options: Options): Running {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { cwd: options.cwd ?? dir, env, stdio: 'pipe' });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A reader that ends early is none of the writer's business.
  child.stdin.on('error', () => undefined);
  if (options.input !== undefined) child.stdin.write(options.input);
  if (options.open !== true) child.stdin.end();
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const bytes = Buffer.concat(stdout);
      resolve({ code, signal, stdout: bytes.toString(), stderr: Buffer.concat(stderr).toString(), bytes });
    });
  });
  return { child, ended };
}

/** para, running, to be sent signals: the process itself, past a user switch that would keep them. */
export interface Background extends Running {
  tell(signal: NodeJS.Signals): void;
}

/** Starts para and does not wait. */
export function inBackground(world: World, args: readonly string[], options: Options): Background {
  const pidFile = join(world.dir, 'work', `pid-${randomUUID()}`);
  const command = ['sh', '-c', 'echo $$ >"$0"; exec "$@"', pidFile, process.execPath, world.binary, ...args];
  return {
    ...world.start(command, options),
    tell: (signal) => {
      process.kill(Number(readFileSync(pidFile, 'utf8')), signal);
    },
  };
}

/** Waits until the process has printed `text`. @throws when it ends before */
export async function printed(
  running: Running,
  text: string,
  where: 'stdout' | 'stderr' = 'stdout',
): Promise<void> {
  let seen = '';
  const found = new Promise<true>((resolve) => {
    running.child[where]?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve(true);
    });
  });
  const first = await Promise.race([found, running.ended]);
  if (first !== true) throw new Error(`it ended without ${text}: ${JSON.stringify(first)}`);
}

/** The words of an engine's answer. */
export function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
