/** A runner that answers from a function instead of a process. */
import type { Captured, Runner } from '../../src/sys/run.ts';

export type Answer = Partial<
  Pick<Captured, 'exitCode' | 'stdout' | 'stderr' | 'timedOut' | 'spawnError' | 'aborted'>
>;

export interface FakeRunner extends Runner {
  readonly calls: string[][];
}

export function fakeRunner(answer: (args: readonly string[], file: string) => Answer): FakeRunner {
  const calls: string[][] = [];
  return {
    calls,
    capture: (request) => {
      calls.push([...request.args]);
      return Promise.resolve({
        file: request.file,
        args: request.args,
        exitCode: 0,
        signal: undefined,
        stdout: '',
        stdoutBytes: new Uint8Array(),
        stderr: '',
        timedOut: false,
        aborted: false,
        spawnError: undefined,
        ms: 1,
        ...answer(request.args, request.file),
      });
    },
    attach: (request) => {
      calls.push([...request.args]);
      return Promise.resolve(answer(request.args, request.file).exitCode ?? 0);
    },
  };
}
