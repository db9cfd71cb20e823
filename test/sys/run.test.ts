import { getMaxListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { registerSecret } from '../../src/sys/redact.ts';
import { createRunner, describeEnd, quote, succeeded } from '../../src/sys/run.ts';

const env = { PATH: process.env['PATH'], KEPT: 'yes', DROPPED: 'no' };
const runner = createRunner({ env });
const node = (script: string, ...args: string[]): { file: string; args: string[] } => ({
  file: process.execPath,
  args: ['-e', script, ...args],
});

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (!alive(pid)) return true;
    await sleep(20);
  }
  return false;
}

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-run-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe('outcomes', () => {
  test('gives stdout, stderr and exit code as they are', async () => {
    const captured = await runner.capture(
      node('console.log("out"); console.error("err"); process.exitCode = 3'),
    );
    expect(captured).toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: 'err\n', timedOut: false });
    expect(succeeded(captured)).toBe(false);
    expect(describeEnd(captured)).toBe('exit 3');
  });

  test('names the reason when there is no such binary', async () => {
    const captured = await runner.capture({ file: 'para-no-such-binary', args: [] });
    expect(captured).toMatchObject({ exitCode: undefined, signal: undefined, spawnError: 'ENOENT' });
    expect(describeEnd(captured)).toBe('could not start (ENOENT)');
  });

  test('names the reason when the file is not executable', async () => {
    const captured = await runner.capture({ file: join(import.meta.dirname, 'run.test.ts'), args: [] });
    expect(captured.spawnError).toBe('EACCES');
  });

  test('tells a death by signal from an exit code', async () => {
    const captured = await runner.capture(node('process.kill(process.pid, "SIGKILL")'));
    expect(captured).toMatchObject({ exitCode: undefined, signal: 'SIGKILL', spawnError: undefined });
    expect(describeEnd(captured)).toBe('ended by SIGKILL');
  });

  test('refuses more output than it may keep', async () => {
    const flood = { ...node('process.stdout.write("x".repeat(100_000))'), maxBuffer: 1_000 };
    await expect(runner.capture(flood)).rejects.toMatchObject({ code: 'ENGINE_OUTPUT_UNREADABLE' });
  });

  test('keeps bytes as bytes when asked', async () => {
    const captured = await runner.capture({
      ...node('process.stdout.write(Buffer.from([0, 255, 10]))'),
      binary: true,
    });
    expect([...captured.stdoutBytes]).toEqual([0, 255, 10]);
    expect(captured.stdout).toBe('');
  });
});

describe('deadline and abort', () => {
  test('a passed deadline is told apart and leaves no process', async () => {
    const file = join(dir, 'deadline.pid');
    const script =
      'require("fs").writeFileSync(process.argv[1], String(process.pid)); setInterval(() => 0, 1e3)';
    const captured = await runner.capture({ ...node(script, file), timeoutMs: 1_000 });
    expect(captured).toMatchObject({ timedOut: true, aborted: false });
    expect(succeeded(captured)).toBe(false);
    expect(describeEnd(captured)).toBe('deadline passed');
    expect(await gone(Number(readFileSync(file, 'utf8')))).toBe(true);
  });

  test('exit code 0 after a passed deadline is no success', async () => {
    const script = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => 0, 1e3)';
    const captured = await runner.capture({ ...node(script), timeoutMs: 1_000 });
    expect(captured.timedOut).toBe(true);
    expect(succeeded(captured)).toBe(false);
  });

  test('what an aborted process has started may hold its output: it is not waited for', async () => {
    const controller = new AbortController();
    const script = 'sleep 20 & echo "$!"; wait';
    const pending = runner.capture({
      file: 'sh',
      args: ['-c', script],
      signal: controller.signal,
      onLine: () => {
        controller.abort();
      },
    });
    const started = performance.now();
    const ended = await pending;
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(ended).toMatchObject({ aborted: true, stdout: expect.stringMatching(/^\d+\n$/) });
    process.kill(Number(ended.stdout), 'SIGKILL');
  });

  test.each([
    ['ended by itself', 'exit 0'],
    ['ended when it was told to', 'trap "exit 0" TERM; wait'],
  ])('nor is what it has started once the deadline passed: %s', async (_how, last) => {
    const started = performance.now();
    const script = `sleep 20 & echo "$!"; ${last}`;
    const ended = await runner.capture({ file: 'sh', args: ['-c', script], timeoutMs: 1_000 });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(ended).toMatchObject({ exitCode: 0, timedOut: true, stdout: expect.stringMatching(/^\d+\n$/) });
    process.kill(Number(ended.stdout), 'SIGKILL');
  });

  test('a signal that was aborted before ends the process at once', async () => {
    const captured = await runner.capture({
      ...node('setInterval(() => 0, 1e3)'),
      signal: AbortSignal.abort(),
    });
    expect(captured).toMatchObject({ timedOut: false, aborted: true, exitCode: undefined });
  });

  test('many at once listen to one signal, and node warns of nothing', async () => {
    const { signal } = new AbortController();
    const all = Array.from({ length: 15 }, () => runner.capture({ file: 'true', args: [], signal }));
    expect((await Promise.all(all)).every(succeeded)).toBe(true);
    // Its warning goes to a process that a test can not listen to.
    expect(getMaxListeners(signal)).toBe(Infinity);
  });

  test('an abort ends the process and is told apart', async () => {
    const abort = new AbortController();
    setTimeout(() => {
      abort.abort();
    }, 300);
    const captured = await runner.capture({ ...node('setInterval(() => 0, 1e3)'), signal: abort.signal });
    expect(captured).toMatchObject({ timedOut: false, aborted: true });
    expect(describeEnd(captured)).toBe('interrupted');
  });

  test('the context names the signal when the request names none', async () => {
    const abort = new AbortController();
    abort.abort();
    const captured = await createRunner({ env, signal: () => abort.signal }).capture(node('1'));
    expect(captured.aborted).toBe(true);
  });
});

describe('environment and input', () => {
  const print = (names: string[]) => ({
    ...node(
      'console.log(JSON.stringify(process.argv.slice(1).map((n) => process.env[n] ?? null)))',
      ...names,
    ),
  });

  test('is stable, whoever calls', async () => {
    const caller = createRunner({ env: { ...env, LC_ALL: 'de_DE.UTF-8' } });
    const captured = await caller.capture(print(['LC_ALL', 'NO_COLOR', 'DOCKER_CLI_HINTS', 'KEPT']));
    expect(JSON.parse(captured.stdout)).toEqual(['C', '1', 'false', 'yes']);
  });

  test('comes from the context alone, and undefined removes a variable', async () => {
    process.env['PARA_TEST_LEAK'] = 'leaked';
    const captured = await runner.capture({
      ...print(['PARA_TEST_LEAK', 'DROPPED', 'ADDED']),
      env: { DROPPED: undefined, ADDED: 'now' },
    });
    delete process.env['PARA_TEST_LEAK'];
    expect(JSON.parse(captured.stdout)).toEqual([null, null, 'now']);
  });

  test('passes arguments untouched, without a shell', async () => {
    const hostile = ['$(touch x)', '; true', "'", '', 'a b', '*'];
    const captured = await runner.capture(
      node('console.log(JSON.stringify(process.argv.slice(1)))', '--', ...hostile),
    );
    expect(JSON.parse(captured.stdout)).toEqual(hostile);
  });

  test('writes input to stdin, which is otherwise at its end', async () => {
    const echo = node('process.stdin.pipe(process.stdout)');
    expect((await runner.capture({ ...echo, input: 'in\0put' })).stdout).toBe('in\0put');
    expect((await runner.capture(echo)).stdout).toBe('');
  });

  test('starts at / unless told where, so that nothing in the current directory matters', async () => {
    expect((await runner.capture(node('console.log(process.cwd())'))).stdout).toBe('/\n');
    expect((await runner.capture({ ...node('console.log(process.cwd())'), cwd: '/usr' })).stdout).toBe(
      '/usr\n',
    );
  });

  test('hands on whole lines of both streams', async () => {
    const lines: string[] = [];
    const script =
      'process.stdout.write("a"); setTimeout(() => { process.stdout.write("b\\rc\\n"); console.error("d") }, 50)';
    await runner.capture({ ...node(script), onLine: (line) => lines.push(line) });
    expect(lines.sort()).toEqual(['ab', 'c', 'd']);
  });
});

test('lines that are not kept may be more than is kept of any answer', async () => {
  let lines = 0;
  const ended = await runner.capture({
    ...node('for (let i = 0; i < 2000; i++) console.log("x".repeat(99)); process.exitCode = 3'),
    ...{ keep: false, maxBuffer: 1000, onLine: () => (lines += 1) },
  });
  expect(lines).toBe(2000);
  expect(ended).toMatchObject({ exitCode: 3, stdout: '' });
});

describe('trace', () => {
  test('shows argv as it could be pasted, and no secret', async () => {
    const lines: string[] = [];
    const traced = createRunner({ env, trace: (line) => lines.push(line) });
    registerSecret('hunter22-secret');
    await traced.capture({ file: 'true', args: ["it's", 'TOKEN=hunter22-secret', 'plain'] });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^true 'it'\\''s' TOKEN=\*\*\* plain {2}# \d+ ms, exit 0$/);
  });

  test('quotes only what needs it', () => {
    expect(quote({ file: 'git', args: ['-c', 'a=b', '', 'x y'] })).toBe("git -c a=b '' 'x y'");
  });
});

describe('attach', () => {
  test.each([
    ['its exit code', 'process.exit(7)', 7],
    ['128+n when a signal ended it', 'process.kill(process.pid, "SIGTERM")', 143],
  ])('gives %s', async (_, script, code) => {
    expect(await runner.attach(node(script))).toBe(code);
  });

  test('gives 127 when there is no such binary and 126 when it cannot be run', async () => {
    expect(await runner.attach({ file: 'para-no-such-binary', args: [] })).toBe(127);
    expect(await runner.attach({ file: join(import.meta.dirname, 'run.test.ts'), args: [] })).toBe(126);
  });

  test('leaves no signal handler behind', async () => {
    const before = process.listenerCount('SIGINT');
    await runner.attach(node('1'));
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});

test('a signal that comes before the process is there is its own all the same', async () => {
  const runner = createRunner({ env: process.env });
  const code = runner.attach({ file: 'sleep', args: ['30'] }, { onSignal: () => Promise.resolve() });
  process.emit('SIGINT', 'SIGINT');
  expect(await code).toBe(130);
});

test('what was asked to stop before starts nothing', async () => {
  const runner = createRunner({ env: process.env, signal: () => AbortSignal.abort() });
  await expect(runner.attach({ file: 'sleep', args: ['30'] })).rejects.toMatchObject({ code: 'INTERRUPTED' });
});
