/** para in this process: real git in a temporary repository, engine calls answered by the test, in order. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { createApp } from '../../src/cli/app.ts';
import { readOutputFlags, runProgram } from '../../src/cli/program.ts';
import type { EngineName } from '../../src/docker/driver.ts';
import { ParaError } from '../../src/errors.ts';
import { createCancellation, type Cancellation } from '../../src/sys/cancel.ts';
import { createRunner, type Captured, type Runner, type RunRequest } from '../../src/sys/run.ts';
import { PAINTED } from '../../src/ui/colours.ts';
import { createOutput } from '../../src/ui/output.ts';
import { fakeStream } from './streams.ts';
import type { TempRepo } from './temp-repo.ts';

/** One engine call that has to come, and what it answers. */
export interface EngineCall {
  /** Engine and arguments, exactly; `SPEC` stands for a spec's hash, `UUID` for an exec's id and `TRIAL` for doctor's. */
  readonly argv: readonly [EngineName, ...string[]];
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** What the engine does besides answering; it gets what it is told on stdin. */
  readonly effect?: (input: RunRequest['input']) => void;
  /** The call that follows when this one is answered well: para looks whether it is so. */
  readonly proof?: EngineCall;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
  /** Who tells it to end. */
  readonly cancellation?: Cancellation;
  /** Every engine call, in the order of its engine. One that does not come, or another one, fails the test. */
  readonly calls?: readonly EngineCall[];
}

/** The id that every operation gets. */
export const OPERATION = '11111111-1111-4111-8111-111111111111';
const BIN = join(import.meta.dirname, '../../fixtures/bin');

/** The id of a repository, as it is part of container names. */
export function repoId(repo: TempRepo): string {
  return createHash('sha256').update(join(repo.root, '.git')).digest('hex').slice(0, 8);
}

/** Runs a command line (blanks separate words; a list is taken as it is) as main does. */
export async function runPara(
  repo: TempRepo,
  line: string | readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const argv = typeof line === 'string' ? line.split(' ') : line;
  const env = { ...repo.env, PATH: `${BIN}${delimiter}${process.env['PATH'] ?? ''}`, ...options.env };
  const streams = { stdout: fakeStream(), stderr: fakeStream(), env };
  const output = createOutput(readOutputFlags(argv), streams, PAINTED);
  const cancellation = options.cancellation ?? createCancellation();
  const script = new Script(options.calls ?? []);
  const runner = split(createRunner({ env, signal: cancellation.current }), script);
  const cwd = options.cwd ?? repo.root;
  const code = await runProgram(argv, '0.0.0-test', (engine) =>
    Object.assign(createApp({ output, cancellation, engine, env, cwd, runner }), {
      newId: () => OPERATION,
      now: () => new Date('2026-01-02T03:04:05.000Z'),
      readStdin: () => Promise.resolve(options.stdin ?? ''),
    }),
  ).catch((error: unknown) => {
    if (!(error instanceof ParaError)) throw script.problem() ?? error;
    output.fail(error);
    return error.exit;
  });
  const problem = script.problem();
  if (problem !== undefined) throw problem;
  return { code, stdout: streams.stdout.text(), stderr: streams.stderr.text() };
}

/** git is real, and so is the shell of a session without a container; everything else is the script's. */
function split(real: Runner, script: Script): Runner {
  const isReal = (request: RunRequest): boolean => ['git', 'sh'].includes(basename(request.file));
  return {
    capture: (request) =>
      isReal(request) ? real.capture(request) : Promise.resolve(withLines(script, request)),
    attach: (request, how) => {
      if (isReal(request)) return real.attach(request, how);
      const { exitCode, stderr } = script.next(request);
      how?.onStderr?.(stderr);
      return Promise.resolve(exitCode ?? 0);
    },
  };
}

/** The next call's end, its lines handed on as they would be while it ran. */
function withLines(script: Script, request: RunRequest): Captured {
  const captured = script.next(request);
  for (const line of captured.stdout.split('\n')) if (line !== '') request.onLine?.(line);
  return captured;
}

/** The calls that have to come. */
class Script {
  private readonly left: EngineCall[];
  private readonly unexpected: string[] = [];

  constructor(calls: readonly EngineCall[]) {
    this.left = [...calls];
  }

  next(request: RunRequest): Captured {
    const argv = [basename(request.file), ...request.args].map(steady);
    // Two engines may be asked at once; each keeps its own order.
    const at = this.left.findIndex(({ argv: [engine] }) => engine === argv[0]);
    const [call] = this.left.splice(Math.max(at, 0), 1);
    if (call === undefined || JSON.stringify(call.argv) !== JSON.stringify(argv)) {
      const wanted = call === undefined ? 'no call at all' : JSON.stringify(call.argv);
      this.unexpected.push(`${JSON.stringify(argv)}\n  where this was to come: ${wanted}`);
      throw new Error('unexpected engine call'); // what the test sees is problem()
    }
    call.effect?.(request.input);
    if (call.proof !== undefined && (call.exitCode ?? 0) === 0) this.left.unshift(call.proof);
    const stdout = call.stdout ?? '';
    return {
      ...{ file: request.file, args: request.args, signal: undefined, ms: 1 },
      ...{ timedOut: false, aborted: false, spawnError: undefined },
      exitCode: call.exitCode ?? 0,
      stdout,
      stdoutBytes: Buffer.from(stdout),
      stderr: call.stderr ?? '',
    };
  }

  /** What did not go as written, if anything. */
  problem(): Error | undefined {
    const [first] = this.unexpected;
    if (first !== undefined) return new Error(`unexpected engine call: ${first}`);
    const never = this.left.map((call) => JSON.stringify(call.argv)).join('\n');
    return never === '' ? undefined : new Error(`these engine calls never came:\n${never}`);
  }
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;

function steady(word: string): string {
  return word
    .replace(/^para\.spec=[0-9a-f]{16}$/, 'para.spec=SPEC')
    .replace(/para-doctor-[0-9a-f]{8}/g, 'para-doctor-TRIAL')
    .replace(new RegExp(`^(PARA_EXEC_ID=)?${UUID.source}$`), '$1UUID');
}

const RECORDED = {
  docker: 'docker-cli28-srv28',
  podman: 'podman-4.3.1-root',
  rootless: 'podman-4.3.1-rootless',
};

/** How para gets to know an engine: version, then info. Its answers are kept for the next run. */
export function detection(id: 'docker' | 'podman' | 'rootless'): readonly EngineCall[] {
  const engine = id === 'docker' ? 'docker' : 'podman';
  const info = readFileSync(join(BIN, '../engines', RECORDED[id], 'info.json'), 'utf8');
  const version = id === 'docker' ? 'Docker version 28.5.2+dfsg4, build ecc6942' : 'podman version 4.3.1';
  return [
    { argv: [engine, '--version'], stdout: `${version}\n` },
    { argv: [engine, 'info', '--format', id === 'docker' ? '{{json .}}' : 'json'], stdout: info },
  ];
}

/** The container's main process says that it is up. */
export function ready(repo: TempRepo, session: string): () => void {
  return () => {
    const file = join(repo.root, '.para/state/docker', session, 'out/ready');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '');
  };
}
