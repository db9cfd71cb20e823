/** The composition root: makes each thing once, and only when a command asks for it. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { detectEngine } from '../docker/detect.ts';
import type { Engine, EngineName } from '../docker/driver.ts';
import { homeOf } from '../docker/mounts.ts';
import { createDockerService, type DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { createGit, type Git } from '../git/git.ts';
import { openRepository, type Repository } from '../git/repository.ts';
import type { Progress, Step } from '../pipeline/step.ts';
import { SECRET_NAME } from '../sessions/env-file.ts';
import { placesOf, type Places } from '../sessions/store.ts';
import { trustDir } from '../sessions/trust.ts';
import type { Cancellation } from '../sys/cancel.ts';
import { registerSecret } from '../sys/redact.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { createRunner, type Runner } from '../sys/run.ts';
import { display } from '../ui/display.ts';
import type { Output } from '../ui/output.ts';

/** What a command gets. Everything that costs something is lazy and asked for once. */
export interface App {
  /** @throws NOT_A_REPOSITORY when the directory we are in was removed */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly output: Output;
  readonly runner: Runner;
  readonly cancellation: Cancellation;
  /** Where approvals of what repositories ask of the host are kept. */
  readonly trustDir: string;
  readonly caller: { readonly uid: number; readonly gid: number };
  /** The engine that flags, PARA_ENGINE or settings ask for. */
  wantedEngine(): Promise<'auto' | 'docker' | 'podman'>;
  git(): Git;
  repository(): Promise<Repository>;
  places(): Promise<Places>;
  config(): Promise<LoadedConfig>;
  engine(): Promise<Engine>;
  docker(): Promise<DockerService>;
  /** The service of the engine that a session's record names. */
  dockerFor(engine: EngineName): Promise<DockerService>;
  /** `shown`: instead of as flags and terminal have it. */
  run<C>(steps: readonly Step<C>[], state: C, shown?: Progress): Promise<void>;
  /** The time, for records that people read. */
  now(): Date;
  newId(): string;
  /** All of stdin as text. @throws USAGE when it is longer */
  readStdin(maxBytes: number): Promise<string>;
}

/** What main hands in. */
export interface AppInput {
  readonly output: Output;
  readonly cancellation: Cancellation;
  /** --engine; '' when it was not given. */
  readonly engine: string;
  readonly env: NodeJS.ProcessEnv;
  /** undefined when the directory we are in was removed. */
  readonly cwd: string | undefined;
  /** Instead of real processes, for tests. */
  readonly runner?: Runner;
}

/** Builds the App of one command line. */
export function createApp(input: AppInput): App {
  const { output, cancellation, env } = input;
  rememberSecrets(env);
  const runner = input.runner ?? createRunner({ env, signal: cancellation.current, trace: output.trace });
  const app: App = {
    get cwd() {
      if (input.cwd === undefined) throw directoryGone(env['PWD']);
      return input.cwd;
    },
    env,
    home: homeOf(env),
    output,
    runner,
    cancellation,
    trustDir: trustDir(env, homeOf(env)),
    caller: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    wantedEngine: once(async () =>
      engineName(input.engine || env['PARA_ENGINE'] || (await app.config()).config.docker.engine),
    ),
    git: onceSync(() => createGit(runner, env)),
    repository: once(async () => openRepository(app.git(), app.cwd)),
    places: once(async () => placesOf((await app.repository()).root)),
    config: once(async () => {
      const { loadConfig, userConfigPath } = await import('../config/load.ts');
      return loadConfig({ userFile: userConfigPath(env, app.home), projectFile: await projectFile(app) });
    }),
    engine: once(async () =>
      detectEngine({ runner, env, wanted: await app.wantedEngine(), cacheDir: cacheDir(app) }),
    ),
    docker: once(async () => createDockerService(await app.engine(), runner)),
    dockerFor: async (wanted) =>
      createDockerService(await detectEngine({ runner, env, wanted, cacheDir: cacheDir(app) }), runner),
    run: async (steps, state, shown = output.progress) =>
      (await import('../pipeline/run.ts')).runSteps(steps, state, {
        progress: shown,
        stream: output.stderr,
        cancellation,
        clean: display,
      }),
    now: () => new Date(),
    newId: () => randomUUID(),
    readStdin,
  };
  return app;
}

/** What is left of a session's worktree that was taken away while a shell was in it. */
function directoryGone(pwd: string | undefined): ParaError {
  const main = /^(.+?)\/\.para\/worktrees\/[^/]+/.exec(pwd ?? '')?.[1];
  return new ParaError('NOT_A_REPOSITORY', 'this directory is gone', {
    hint: main === undefined ? 'cd to one that is there' : `cd ${shellQuote(main)}`,
  });
}

/** The cache directory for what engines can do (XDG Base Directory). */
export function cacheDir(app: Pick<App, 'env' | 'home'>): string {
  return join(app.env['XDG_CACHE_HOME'] ?? join(app.home, '.cache'), 'para');
}

/** Where settings are read from; `project` demands a repository. @throws NOT_A_REPOSITORY */
export async function configFiles(
  app: App,
  project: boolean,
): Promise<{ readonly user: string; readonly project: string | undefined }> {
  if (project) await app.repository();
  const { userConfigPath } = await import('../config/load.ts');
  return { user: userConfigPath(app.env, app.home), project: await projectFile(app) };
}

async function projectFile(app: App): Promise<string | undefined> {
  // Settings can be read outside a repository too.
  const repository = await app.repository().catch(() => undefined);
  return repository === undefined ? undefined : join(repository.root, '.para', 'config.json');
}

/** Values of variables that sound like secrets never show in what para prints (facts/security-reliability.md A40). */
function rememberSecrets(env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && SECRET_NAME.test(name)) registerSecret(value);
}

async function readStdin(maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new ParaError('USAGE', `stdin holds more than ${String(maxBytes)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What --engine, PARA_ENGINE or a setting says; anything else means that para looks for itself. */
export function engineName(text: unknown): 'auto' | 'docker' | 'podman' {
  return text === 'docker' || text === 'podman' ? text : 'auto';
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

function onceSync<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
