import { describe, expect, test } from '@jest/globals';
import { driverFor, ENGINES, failures } from './fixtures.ts';

describe.each(ENGINES)('%s', (engine) => {
  const rows = failures().filter((row) => row.engine === engine);
  test.each(rows)('$id is $expected', (row) => {
    const failure = { args: row.argv.slice(1), exitCode: row.rc, stdout: row.stdout, stderr: row.stderr };
    expect(driverFor(engine).classify(failure) ?? null).toBe(row.expected);
  });
});

test('an unknown text is not guessed at', () => {
  const failure = { args: ['start'], exitCode: 125, stdout: '', stderr: 'Error: the moon is full' };
  expect(driverFor('docker').classify(failure)).toBeUndefined();
  expect(driverFor('podman').classify(failure)).toBeUndefined();
});
