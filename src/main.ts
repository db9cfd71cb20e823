/** Signals, the program, and its outcome as an exit code. The only place that sets one. */
import { EXIT, ParaError } from './errors.ts';
import { createCancellation } from './sys/cancel.ts';
import { armFault } from './sys/fault.ts';
import { knownError } from './sys/files.ts';

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Runs the program to its end, and tells it to the process. */
export async function main(argv: readonly string[], version: string): Promise<void> {
  // A reader that went away (`para list | head -1`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    process.stderr.write(`✗ the answer can not be written: ${error.message}\n`);
    process.exit(EXIT.failed);
  });
  process.exitCode = await run(argv, version);
}

async function run(argv: readonly string[], version: string): Promise<number> {
  // First: some of the libraries ask where they are as soon as they are loaded.
  const cwd = currentDirectory();
  const [{ readOutputFlags, runProgram }, { createOutput, loadColours }, { createApp }] = await Promise.all([
    import('./cli/program.ts'),
    import('./ui/output.ts'),
    import('./cli/app.ts'),
  ]);
  armFault(process.env['PARA_FAULT']);
  const cancellation = createCancellation();
  // `on`, never `once`: with no listener left the cursor code re-raises the signal (facts/style.md §4.2).
  for (const [name, number] of Object.entries(SIGNALS))
    process.on(name, () => {
      cancellation.request(number);
    });
  const flags = readOutputFlags(argv);
  const streams = { stdout: process.stdout, stderr: process.stderr, env: process.env };
  const output = createOutput(flags, streams, await loadColours(flags, streams));
  try {
    return await runProgram(argv, version, (engine) =>
      createApp({ output, cancellation, engine, env: process.env, cwd }),
    );
  } catch (error) {
    const known = asParaError(error);
    output.fail(known);
    return known.code === 'INTERRUPTED' && cancellation.signalNumber > 0
      ? 128 + cancellation.signalNumber
      : known.exit;
  }
}

/** undefined when it was removed; what needs none still works. */
function currentDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    process.chdir('/');
    return undefined;
  }
}

/** What is neither a ParaError nor the disk's refusal is a bug in para, and says so. */
function asParaError(error: unknown): ParaError {
  const known = knownError(error);
  if (known !== undefined) return known;
  const message = error instanceof Error ? error.message : String(error);
  return new ParaError('BUG', `a bug in para: ${message}`, {
    hint: 'Please report it, with the output of the same command and --verbose.',
    details: { stack: error instanceof Error ? error.stack : undefined },
    cause: error,
  });
}
