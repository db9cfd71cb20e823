/** Running commands in containers, and telling their failures from the engine's own. */
import type { ParaError } from '../errors.ts';
import type { AttachOptions as SignalOptions, Captured, RunRequest } from '../sys/run.ts';
import type { Engine, EngineCommand, ExecRequest } from './driver.ts';
import { toParaError } from './failure.ts';

type Extra = Partial<Omit<RunRequest, 'file' | 'args'>>;

/** The service's own way to call its engine. */
export interface ExecCalls {
  readonly capture: (command: EngineCommand<unknown>, options?: Extra) => Promise<Captured>;
  readonly fail: (captured: Captured, subject: string) => ParaError;
}

/** One exec, and what its caller adds. */
export interface ExecCall {
  readonly request: ExecRequest;
  readonly extra: Extra | undefined;
}

/** Ends without an exit code are errors; so are failures that only the engine can have. */
export async function execCapture(
  { driver }: Engine,
  calls: ExecCalls,
  { request, extra }: ExecCall,
): Promise<Captured> {
  const { timeoutMs = 0, ...others } = extra ?? {};
  const captured = await calls.capture({ ...driver.exec(request), timeoutMs }, others);
  if (captured.exitCode === undefined || captured.timedOut || captured.aborted) {
    throw calls.fail(captured, `container ${request.container}`);
  }
  if (captured.exitCode === 0 || !isEnginesOwn(captured)) return captured;
  const error = calls.fail(captured, `container ${request.container}`);
  if (ANSWERS.has(error.code)) return captured;
  throw error;
}

/** Characters kept of what an engine's client says on a terminal. */
const MAX_SAID = 8_192;

/**
 * Runs a command on the caller's terminal, where stderr is the engine's alone.
 * @throws what the engine says there
 */
export async function execTerminal(
  { driver, binary }: Engine,
  attach: (command: EngineCommand<unknown>, how?: SignalOptions) => Promise<number>,
  { request, how }: { readonly request: ExecRequest; readonly how: SignalOptions | undefined },
): Promise<number> {
  const command = driver.exec(request);
  let stderr = '';
  const onStderr = (text: string): void => {
    stderr = (stderr + text).slice(-MAX_SAID);
  };
  const exitCode = await attach(command, { ...how, onStderr });
  if (exitCode === 0) return 0;
  const captured: Captured = {
    ...{ file: binary, args: command.args, exitCode, stderr, stdout: '', stdoutBytes: new Uint8Array() },
    ...{ signal: undefined, spawnError: undefined, timedOut: false, aborted: false, ms: 0 },
  };
  if (driver.classify(captured) === undefined && !isEnginesOwn(captured)) return exitCode;
  throw toParaError(driver, captured, `container ${request.container}`);
}

/** An answer about the command, not about the container. */
const ANSWERS: ReadonlySet<string> = new Set([
  'COMMAND_NOT_FOUND',
  'COMMAND_NOT_EXECUTABLE',
  'COMMAND_FAILED',
]);

/** A program can print these words too; then its text is shown as the engine's (engines.md §1.1.5). */
function isEnginesOwn(captured: Captured): boolean {
  return /^(Error response from daemon:|Error: |Cannot connect|permission denied while trying to connect)/im.test(
    captured.stderr,
  );
}
