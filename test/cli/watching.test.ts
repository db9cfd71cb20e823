/** Commands that go on until a signal, with an engine that is a process: they watch on, whatever one call comes to. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../../src/cli/app.ts';
import { readOutputFlags, runProgram } from '../../src/cli/program.ts';
import { createCancellation } from '../../src/sys/cancel.ts';
import { PAINTED } from '../../src/ui/colours.ts';
import { createOutput } from '../../src/ui/output.ts';
import { fakeEngine, type FakeEngine, type Fault } from '../support/fake-engine.ts';
import { repoId } from '../support/run-para.ts';
import { fakeStream, type FakeStream } from '../support/streams.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
let engine: FakeEngine;
beforeAll(async () => {
  repo = tempRepo();
  engine = fakeEngine();
  const image = 'localhost/para-test/busybox:1';
  await begin(['start', 'fix', '--docker', '--engine', 'docker', '--image', image]).ended;
});
afterAll(() => {
  engine.remove();
  repo.remove();
});
beforeEach(async () => {
  // By a person, so that no restart counts any more.
  await begin(['docker', 'start', 'fix']).ended;
  execFileSync('docker', ['kill', `para-${repoId(repo)}-fix`], { env: { ...repo.env, ...engine.env } });
});

interface Running {
  readonly stdout: FakeStream;
  readonly stderr: FakeStream;
  readonly ended: Promise<number>;
  /** As a SIGTERM does. */
  end(): void;
}

function begin(argv: readonly string[], faults: readonly Fault[] = []): Running {
  const env = { ...repo.env, ...engine.env, FAKE_ENGINE_FAULTS: JSON.stringify(faults) };
  const [stdout, stderr] = [fakeStream(), fakeStream()];
  const output = createOutput(readOutputFlags(argv), { stdout, stderr, env }, PAINTED);
  const cancellation = createCancellation();
  const ended = runProgram(argv, '0.0.0-test', (wanted) =>
    createApp({ output, cancellation, engine: wanted, env, cwd: repo.root }),
  );
  return { stdout, stderr, ended, end: () => cancellation.request(15) };
}

async function until(isSo: () => boolean, running: Running): Promise<void> {
  const end = performance.now() + 30_000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(running.stdout.text() + running.stderr.text());
    await sleep(20);
  }
}

/** The next calls of this verb fail. */
function failing(verb: string, times: number): readonly Fault[] {
  const state = readFileSync(engine.env['FAKE_ENGINE_STATE'] ?? '', 'utf8');
  const { calls } = JSON.parse(state) as { calls: Readonly<Record<string, number>> };
  const stderr = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n';
  const next = (calls[verb] ?? 0) + 1;
  return Array.from({ length: times }, (_, n) => ({
    ...{ verb, nth: next + n, do: 'fail' as const, exitCode: 1, stderr },
  }));
}

test('docker supervise: an engine that fails between `ps` and `inspect` is named, and the next look mends', async () => {
  const running = begin(['docker', 'supervise', '--every', '1'], failing('inspect', 4));
  await until(() => running.stdout.text().includes('restarted (1 of 3)'), running);
  running.end();
  expect(await running.ended).toBe(143);
  expect(running.stderr.text().match(/fix: .*does not answer/g)).toHaveLength(1);
  const registry = readFileSync(join(repo.root, '.para/state/docker/shared/registry.json'), 'utf8');
  expect(JSON.parse(registry)).toMatchObject({ containers: [{ session: 'fix', status: 'running' }] });
});

test('status --watch: what was said before stays when the file is broken', async () => {
  const file = join(repo.root, '.para/state/docker/fix/out/status.json');
  writeFileSync(file, '{"timestamp":"t","status":"running","phase":"testing"}');
  const running = begin(['status', 'summary', '--watch', '--json']);
  await until(() => running.stdout.text() !== '', running);
  writeFileSync(file, '{"timestamp":"t","sta');
  await until(() => running.stdout.text().trim().includes('\n'), running);
  running.end();
  await running.ended;
  const [, second = ''] = running.stdout.text().split('\n');
  expect(JSON.parse(second)).toMatchObject({
    sessions: [{ status: { phase: 'testing' }, defect: expect.any(String) }],
  });
  rmSync(file);
});

test('monitor --json: puts back up what died, and says so', async () => {
  const running = begin(['monitor', '--json']);
  const documents = (): readonly { remarks: readonly string[]; sessions: readonly object[] }[] =>
    running.stdout
      .text()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ReturnType<typeof documents>[number]);
  await until(
    () => documents().some(({ remarks }) => remarks.some((one) => /^fix: restarted \(\d of 3\)/.test(one))),
    running,
  );
  await until(() => JSON.stringify(documents().at(-1)?.sessions).includes('"running"'), running);
  running.end();
  expect(await running.ended).toBe(143);
});
