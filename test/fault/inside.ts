/** para in this process, on real git and on an engine in memory: quick, and able to die at any moment. */
import { execFile, execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ask, freshState, garbage, lie, processOf } from '../../fixtures/bin/fake-core.mjs';
import type { Answer, Exec, FakeState } from '../../fixtures/bin/fake-core.d.mts';
import { PAINTED } from '../../src/ui/colours.ts';
import type { Note, Step } from '../../src/pipeline/step.ts';
import type { Captured, Runner, RunRequest } from '../../src/sys/run.ts';
import type { TempRepo } from '../support/temp-repo.ts';
import { live } from './points.ts';

// Only now: what of node:fs they take has to be what points.ts has made of it.
const { createApp } = await import('../../src/cli/app.ts');
const { readOutputFlags, runProgram } = await import('../../src/cli/program.ts');
const { createCancellation } = await import('../../src/sys/cancel.ts');
const { knownError } = await import('../../src/sys/files.ts');
const { createRunner } = await import('../../src/sys/run.ts');
const { createOutput } = await import('../../src/ui/output.ts');
const { fakeStream } = await import('../support/streams.ts');
const { tempRepo } = await import('../support/temp-repo.ts');
const { repoId } = await import('../support/run-para.ts');

const BIN = join(import.meta.dirname, '../../fixtures/bin');

/** What one call of the engine meets. `nth` counts its calls within the command, from 1. */
export interface EngineFault {
  readonly nth: number;
  /** `down`: no daemon, from then on. `late`: done, and told as a failure. */
  readonly do: 'fail' | 'late' | 'lie' | 'garbage' | 'down';
}

/** How a command is run. */
export interface How {
  readonly cwd?: string;
  /** It dies at this moment, counted from 1; when it has fewer, it lives. */
  readonly killAt?: number | undefined;
  readonly fault?: EngineFault | undefined;
  /** Otherwise the world's. */
  readonly now?: () => Date;
}

/** How a command ended; without a code it died. */
export interface Ended {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
  /** Moments it came to. */
  readonly points: number;
  /** Files that it changed itself. */
  readonly touched: readonly string[];
}

export interface Inside {
  readonly repo: TempRepo;
  /** `para-<repository>-<session>`. */
  readonly container: (session: string) => string;
  /** The engine's containers and networks, to be changed by hand. */
  readonly engine: FakeState;
  /** What `now` says; can be set. */
  clock: Date;
  para(argv: readonly string[], how?: How): Promise<Ended>;
  /** All that para may change, but for locks: equal when nothing has changed. */
  footprint(): string;
  /** Keeps all of it as it is now; what is returned brings it back to that. */
  keep(): () => void;
  remove(): void;
}

/** A repository and an engine that nobody has used yet. */
export function inside(repo: TempRepo = tempRepo()): Inside {
  const engine = freshState();
  const env = { ...repo.env, PATH: `${BIN}${delimiter}${process.env['PATH'] ?? ''}`, PARA_ENGINE: 'docker' };
  const world: Inside = {
    ...{ repo, engine },
    clock: new Date('2026-01-02T03:04:05.000Z'),
    container: (session) => `para-${repoId(repo)}-${session}`,
    para: (argv, how = {}) => run(world, env, argv, how),
    footprint: () => footprint(world),
    keep: () => keep(world),
    remove: () => repo.remove(),
  };
  return world;
}

function footprint({ repo, engine }: Inside): string {
  const found: string[] = [JSON.stringify({ ...engine, calls: undefined })];
  const look = (path: string): void => {
    for (const name of list(path)) {
      const at = join(path, name);
      const stat = lstatSync(at);
      if (stat.isDirectory()) {
        if (!['objects', 'locks'].includes(name)) look(at);
      } else if (name !== 'index') found.push(`${at} ${stat.isFile() ? readFileSync(at, 'latin1') : ''}`);
    }
  };
  look(join(repo.root, '.git'));
  look(join(repo.root, '.para'));
  return found.join('\n');
}

function keep({ repo, engine }: Inside): () => void {
  const copy = mkdtempSync(join(repo.base, 'kept-'));
  execFileSync('cp', ['-a', `${repo.root}/.`, copy]);
  const text = JSON.stringify(engine);
  return () => {
    execFileSync('rm', ['-rf', repo.root]);
    execFileSync('cp', ['-a', copy, repo.root]);
    Object.assign(engine, JSON.parse(text));
  };
}

/** Its life: moments are counted, and at one of them it ends. */
function newLife(killAt: number | undefined) {
  let died = (): void => undefined;
  const death = new Promise<void>((resolve) => (died = resolve));
  const life = {
    ...{ points: 0, touched: [] as string[], dead: false, death, open: 0 },
    async point(): Promise<void> {
      life.points += 1;
      if (life.points === killAt) {
        life.dead = true;
        died();
      }
      if (life.dead) await new Promise(() => undefined);
    },
    touches: (path: string) => life.touched.push(path),
  };
  return life;
}
type Alive = ReturnType<typeof newLife>;

async function run(world: Inside, env: NodeJS.ProcessEnv, argv: readonly string[], how: How): Promise<Ended> {
  const streams = { stdout: fakeStream(), stderr: fakeStream(), env };
  const output = createOutput(readOutputFlags(argv), streams, PAINTED);
  const cancellation = createCancellation();
  const life = newLife(how.killAt);
  const real = createRunner({ env, signal: cancellation.current });
  const runner = mortal(life, split(real, world, { env, fault: how.fault, print: streams.stdout }));
  const started = performance.now();
  const program = async (): Promise<number> =>
    runProgram(argv, '0.0.0-test', (engine) => {
      const app = createApp({ output, cancellation, engine, env, cwd: how.cwd ?? world.repo.root, runner });
      const runSteps = app.run.bind(app);
      return Object.assign(app, {
        now: how.now ?? (() => world.clock),
        run: <C>(steps: readonly Step<C>[], state: C) =>
          runSteps(
            steps.map((step) => ({
              ...step,
              run: (given: C, note: Note) => around(life, () => step.run(given, note)),
            })),
            state,
          ),
      });
    }).catch((error: unknown) => {
      const known = knownError(error);
      if (known === undefined) return bug(error, streams.stderr);
      output.fail(known);
      return known.exit;
    });
  const code = await Promise.race([live(life, program), life.death]);
  if (code === undefined) await buried(world, life);
  return {
    ...{ code: code ?? undefined, ms: performance.now() - started, points: life.points },
    ...{ stdout: streams.stdout.text(), stderr: streams.stderr.text(), touched: life.touched },
  };
}

function bug(error: unknown, stderr: NodeJS.WriteStream): number {
  stderr.write(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 70;
}

/** Its processes come to their end without it; its locks and its intent are those of a process that is no more. */
async function buried({ repo }: Inside, life: Alive): Promise<void> {
  while (life.open > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  await new Promise((resolve) => setTimeout(resolve, 5));
  const state = join(repo.root, '.para/state');
  for (const directory of [state, join(state, 'locks')])
    for (const name of list(directory)) {
      const path = join(directory, name);
      if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) continue;
      writeFileSync(path, readFileSync(path, 'utf8').replace(/("started": ?)"\d+"/, '$1"1"'));
    }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

/** Before and after the work there is a moment. */
async function around<T>(life: Alive, work: () => Promise<T> | T): Promise<T> {
  await life.point();
  const result = await work();
  await life.point();
  return result;
}

function mortal(life: Alive, runner: Runner): Runner {
  const process = <T>(work: () => Promise<T>): Promise<T> =>
    around(life, () => {
      life.open += 1;
      return work().finally(() => (life.open -= 1));
    });
  return {
    capture: (request) => process(() => runner.capture(request)),
    attach: (request, options) => process(() => runner.attach(request, options)),
  };
}

interface Meets {
  readonly env: NodeJS.ProcessEnv;
  readonly fault: EngineFault | undefined;
  readonly print: NodeJS.WriteStream;
}

/** Calls of the engine are answered from memory, all else is run. */
function split(real: Runner, { engine: state }: Inside, { env, fault, print }: Meets): Runner {
  let calls = 0;
  const answer = async ({ file, args }: RunRequest): Promise<Answer> => {
    calls += 1;
    const struck = strikes(fault, calls);
    const instead = struck === undefined ? undefined : INSTEAD[struck]?.(args);
    if (instead !== undefined) return instead;
    const engine = file.endsWith('podman') ? 'podman' : 'docker';
    const found = ask({ engine, argv: args, env }, state);
    if (struck === 'late') return FAILED;
    if (struck === 'garbage') return garbage();
    return 'exec' in found ? runInside(found, env) : found;
  };
  const isEngine = ({ file }: RunRequest): boolean => /(^|\/)(docker|podman)$/.test(file);
  return {
    capture: async (request) =>
      isEngine(request) ? captured(request, await answer(request)) : real.capture(request),
    attach: async (request, how) => {
      if (!isEngine(request)) return real.attach(request, how);
      const { exitCode, stdout, stderr } = await answer(request);
      print.write(stdout);
      how?.onStderr?.(stderr);
      return exitCode;
    },
  };
}

const FAILED = { exitCode: 1, stdout: '', stderr: 'Error response from daemon: a fault was asked for\n' };
const DOWN = {
  exitCode: 1,
  stdout: '',
  stderr:
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n',
};

/** An engine that is down stays so. */
function strikes(fault: EngineFault | undefined, call: number): EngineFault['do'] | undefined {
  if (fault === undefined || call < fault.nth) return undefined;
  return call === fault.nth || fault.do === 'down' ? fault.do : undefined;
}

/** What is said instead of doing anything. */
const INSTEAD: Partial<Record<EngineFault['do'], (argv: readonly string[]) => Answer>> = {
  fail: () => FAILED,
  down: () => DOWN,
  lie,
};

function runInside(exec: Exec, env: NodeJS.ProcessEnv): Promise<Answer> {
  const { command, ...where } = processOf(exec, env);
  const [file = '', ...args] = command;
  return new Promise((resolve) => {
    execFile(file, args, where, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') resolve(exec.noCommand);
      else resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

function captured({ file, args }: RunRequest, { exitCode, stdout, stderr }: Answer): Captured {
  return {
    ...{ file, args, exitCode, stdout, stderr, signal: undefined, ms: 1 },
    ...{ timedOut: false, aborted: false, spawnError: undefined, stdoutBytes: Buffer.from(stdout) },
  };
}
