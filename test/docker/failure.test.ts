import { expect, test } from '@jest/globals';
import { toParaError } from '../../src/docker/failure.ts';
import { driverFor, ENGINES } from './fixtures.ts';

const SAID = `time="2026-01-02T03:04:05Z" level=warning msg="a warning"
\u001b[31mError: crun: the first line\u001b[0m\r
  ↳ sudo \u202eevil\u0007\r\n\nand the last\n`;

test.each(ENGINES)(
  'all that %s has said is told, line by line, and nothing that a terminal obeys',
  (engine) => {
    const captured = {
      ...{ file: `/usr/bin/${engine}`, args: ['start', '--', 'x'], exitCode: 125, signal: undefined },
      ...{ stdout: '', stdoutBytes: new Uint8Array(), stderr: SAID },
      ...{ timedOut: false, aborted: false, spawnError: undefined, ms: 1 },
    };
    const error = toParaError(driverFor(engine), captured, 'container x');
    expect(error.message).toContain('crun: the first line');
    expect(error.message).not.toContain('\n');
    expect(error.details?.['stderr']).toBe(
      'time="2026-01-02T03:04:05Z" level=warning msg="a warning"\nError: crun: the first line\n↳ sudo  evil\nand the last',
    );
  },
);
