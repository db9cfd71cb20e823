/** A command line of para without a process of its own, on whatever engine PATH leads to. */
import { createApp } from '../../src/cli/app.ts';
import { readOutputFlags, runProgram } from '../../src/cli/program.ts';
import { ParaError } from '../../src/errors.ts';
import { createCancellation } from '../../src/sys/cancel.ts';
import { PAINTED } from '../../src/ui/colours.ts';
import { createOutput } from '../../src/ui/output.ts';
import { fakeStream } from '../support/streams.ts';

/** Runs it as main does; what is no ParaError is thrown. */
export async function paraHere(
  cwd: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const streams = { stdout: fakeStream(), stderr: fakeStream(), env };
  const output = createOutput(readOutputFlags(argv), streams, PAINTED);
  const cancellation = createCancellation();
  const code = await runProgram(argv, '0.0.0-test', (engine) =>
    createApp({ output, cancellation, engine, env, cwd }),
  ).catch((error: unknown) => {
    if (!(error instanceof ParaError)) throw error;
    output.fail(error);
    return error.exit;
  });
  return { code, stdout: streams.stdout.text(), stderr: streams.stderr.text() };
}
