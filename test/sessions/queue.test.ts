import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cancelQueued, enqueue, findQueued, listQueue } from '../../src/sessions/queue.ts';
import type { QueuedCommand } from '../../src/sessions/queue-file.ts';
import { readPrinted } from '../../src/sessions/queue-results.ts';

let dir: string;
const at = (...path: string[]): string => join(dir, ...path);
const job = (...path: string[]): string => at('out/queue', ...path);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-queue-'));
  for (const name of ['cmd/queue', 'out/queue']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('out/ready'), '');
  utimesSync(at('out/ready'), 1, 1);
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const put = (id: string, more: Partial<QueuedCommand> = {}): Promise<QueuedCommand> =>
  enqueue(dir, { id, type: 'exec', command: 'echo', args: ['hi'], ...more });
const state = async (id: string, running = true): Promise<string> =>
  (await findQueued(dir, id, running)).state;
function claim(id: string, files: Readonly<Record<string, string>> = {}): void {
  mkdirSync(job(id));
  for (const [name, text] of Object.entries(files)) writeFileSync(job(id, name), text);
}

describe('putting a command in', () => {
  test('a file for the runner, named so that a glob sorts it', async () => {
    await put('a');
    await put('b', { priority: 0, timeout_seconds: 9, working_dir: "/a 'b", env: { X: "it's" } });
    await put('c', { command: 'make && make test', args: undefined as never });
    expect(readdirSync(at('cmd/queue')).sort()).toEqual(['0-000002-b.sh', '5-000001-a.sh', '5-000003-c.sh']);
    expect(readFileSync(at('cmd/queue/0-000002-b.sh'), 'utf8')).toBe(
      "#timeout 9\ncd -- '/a '\\''b' || exit 126\nexport X='it'\\''s'\nexec echo hi\n",
    );
    expect(readFileSync(at('cmd/queue/5-000003-c.sh'), 'utf8')).toBe('make && make test\n');
  });

  test.each<[string, string[]]>([
    ['a space', ['a b']],
    ['quotes and what a shell would expand', [`'"$HOME \`id\` $(id) \\`]],
    ['nothing', ['']],
    ['a newline', ['a\nb']],
    ['a dash', ['-n', '--']],
  ])('arguments arrive as they are: %s', async (_what, args) => {
    const { number } = await put('a', { command: 'printf', args: ['%s|', ...args] });
    const file = at(`cmd/queue/5-${String(number).padStart(6, '0')}-a.sh`);
    expect(execFileSync('sh', [file], { encoding: 'utf8' })).toBe(args.map((arg) => `${arg}|`).join(''));
  });

  test('signal and shutdown', async () => {
    await put('s', { type: 'signal', command: 'INT', args: ['a'] });
    await put('d', { type: 'shutdown', command: undefined as never, args: undefined as never });
    expect(readFileSync(at('cmd/queue/5-000001-s.signal'), 'utf8')).toBe('INT a\n');
    expect(readFileSync(at('cmd/queue/5-000002-d.shutdown'), 'utf8')).toBe('');
  });

  test('the same in the file for programs, on the host and inside', async () => {
    const first = await put('a');
    const second = await put('b');
    for (const file of [at('commands.json'), at('cmd/commands.json')])
      expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ commands: [first, second] });
  });

  test('numbers go on when that file is lost or spoilt', async () => {
    await put('a');
    writeFileSync(at('commands.json'), '{');
    expect(await put('b')).toMatchObject({ number: 2 });
  });

  const LISTS = ['commands.json', 'cmd/commands.json'];
  const seen = (): unknown => [...LISTS, 'cmd/queue'].map((name) => statSync(at(name)).mtimeMs);

  test.each<[string, string | object | undefined]>([
    ['gone', undefined],
    ['half written', '{"commands": ['],
    ['of another kind', { commands: [{ id: 'a', type: 'exec', args: Array(1001).fill('x') }] }],
  ])('both lists are %s: what waits is still there, and stays', async (_what, list) => {
    await put('a', { priority: 0, timeout_seconds: 9 });
    await put('b');
    await put('s', { type: 'signal', command: 'INT', args: ['b'] });
    claim('b', { exit: '3\n' });
    const before = readdirSync(at('cmd/queue'));
    for (const name of LISTS)
      if (list === undefined) rmSync(at(name));
      else writeFileSync(at(name), typeof list === 'string' ? list : JSON.stringify(list));
    expect(await findQueued(dir, 'b', true)).toMatchObject({ state: 'done', exitCode: 3 });
    const found = [
      {
        id: 'a',
        number: 1,
        priority: 0,
        type: 'exec',
        command: 'sh',
        args: [expect.stringMatching(/-a.sh$/)],
      },
      { id: 'b', number: 2, type: 'exec' },
      { id: 's', number: 3, type: 'signal' },
    ];
    expect((await listQueue(dir, true)).map(({ command }) => command)).toMatchObject(found);
    await put('new');
    expect(readdirSync(at('cmd/queue'))).toEqual(expect.arrayContaining(before));
    for (const name of LISTS)
      expect(JSON.parse(readFileSync(at(name), 'utf8'))).toMatchObject({
        commands: [...found, { id: 'new', number: 4 }],
      });
  });

  test('one list is spoilt: the other has all of it', async () => {
    const first = await put('a', { env: { A: 'b' } });
    writeFileSync(at('commands.json'), '');
    expect((await listQueue(dir, true)).map(({ command }) => command)).toEqual([first]);
  });

  test.each<[string, Partial<QueuedCommand>, string]>([
    [
      'more than 1000 arguments',
      { args: Array<string>(1001).fill('') },
      'args: expected at most 1000, found 1001',
    ],
    ['a command that has no name', { command: '' }, 'command: expected some text, found ""'],
    [
      'an argument that is too long',
      { args: ['x', 'x'.repeat(131_073)] },
      'args[1]: expected at most 131072',
    ],
    ['a variable that is none', { env: { 'a b': '' } }, 'env'],
    [
      'more than the list can hold',
      { args: Array<string>(200).fill('x'.repeat(131_000)) },
      'it takes 25 MiB',
    ],
  ])('%s: refused, and nothing is changed', async (_what, more, why) => {
    await put('a');
    const before = seen();
    await expect(put('b', more)).rejects.toMatchObject({
      ...{ code: 'USAGE', message: expect.stringContaining(why), hint: expect.stringContaining('para') },
    });
    expect(seen()).toEqual(before);
    expect((await listQueue(dir, true)).map(({ command }) => command.id)).toEqual(['a']);
  });

  test('the list stays readable: old ones that ended make room, what waits does not', async () => {
    const large = { args: Array<string>(60).fill('x'.repeat(131_000)) };
    await put('old', large);
    await put('waits', large);
    await expect(put('more', large)).rejects.toMatchObject({
      ...{ code: 'REFUSED', message: 'the 2 commands that wait leave no room for this one' },
    });
    claim('old', { exit: '0\n' });
    await put('more', large);
    expect((await listQueue(dir, true)).map(({ command }) => command.id)).toEqual(['waits', 'more']);
    expect(readdirSync(at('cmd/queue'))).toHaveLength(2);
    expect(statSync(at('commands.json')).size).toBeLessThanOrEqual(16 * 2 ** 20);
  });

  test('the oldest that have ended are forgotten, what waits is not', async () => {
    const old: QueuedCommand[] = Array.from({ length: 1000 }, (_, index) => ({
      id: `c${String(index)}`,
      type: 'exec',
      number: index + 1,
    }));
    writeFileSync(at('commands.json'), JSON.stringify({ commands: old }));
    claim('c3', { exit: '0\n' });
    await put('new');
    const ids = (await listQueue(dir, true)).map(({ command }) => command.id);
    expect(ids).toHaveLength(1000);
    expect(ids).not.toContain('c3');
    expect(ids.at(-1)).toBe('new');
    await expect(put('more')).rejects.toMatchObject({ code: 'REFUSED' });
  });
});

describe('what became of it', () => {
  beforeEach(() => put('a'));

  test.each<[string, Readonly<Record<string, string>> | undefined, boolean, string, number | undefined]>([
    ['nobody has it', undefined, true, 'queued', undefined],
    ['nobody has it, and nobody could', undefined, false, 'queued', undefined],
    ['it runs', { started: '1\n' }, true, 'running', undefined],
    ['it ran, and the container is down', { started: '1\n' }, false, 'interrupted', undefined],
    ['it ended', { exit: '7\n' }, true, 'done', 7],
    ['it ended, and the container is down', { exit: '0\n' }, false, 'done', 0],
    ['it was too slow', { reason: 'timeout\n', exit: '143\n' }, true, 'timeout', 143],
    ['it is being ended', { reason: 'timeout\n' }, true, 'running', undefined],
    ['its end is not known', { reason: 'timeout\n' }, false, 'timeout', undefined],
    ['it was cancelled', { reason: 'cancelled\n', exit: '143\n' }, true, 'cancelled', 143],
    ['the container was told to end', { reason: 'shutdown\n', exit: '143\n' }, true, 'interrupted', 143],
    ['an exit code that is none', { exit: 'zero\n' }, true, 'running', undefined],
    ['an exit code that is half written', { exit: '1' }, true, 'running', undefined],
    ['an endless exit code', { exit: '1'.repeat(1e6) }, true, 'running', undefined],
    ['a reason of its own', { reason: 'because\n', exit: '0\n' }, true, 'done', 0],
  ])('%s', async (_what, files, running, word, exitCode) => {
    if (files !== undefined) claim('a', files);
    expect(await findQueued(dir, 'a', running)).toMatchObject({ state: word, exitCode });
  });

  test('begun before the container was started anew: interrupted', async () => {
    claim('a', { started: '1\n' });
    writeFileSync(at('out/ready'), '');
    utimesSync(at('out/ready'), Date.now() / 1000 + 1, Date.now() / 1000 + 1);
    expect(await state('a')).toBe('interrupted');
  });

  test('cancelled before anybody had it', async () => {
    await cancelQueued(dir, { id: 'a', type: 'exec' });
    expect(existsSync(at('cmd/queue/a.cancel'))).toBe(true);
    expect(await state('a')).toBe('cancelled');
  });

  test('one that nobody knows', async () => {
    await expect(findQueued(dir, '../../x', true)).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  });
});

describe('what the container can put there', () => {
  beforeEach(async () => {
    await put('a');
    mkdirSync(at('secret/a'), { recursive: true });
    for (const name of ['exit', 'stdout']) writeFileSync(at('secret/a', name), '5\n');
  });
  const nothing = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), cut: false };

  test.each<[string, () => void]>([
    ['a link to another directory', () => symlinkSync(at('secret/a'), job('a'))],
    [
      'the whole queue a link',
      () => {
        rmSync(job(), { recursive: true });
        symlinkSync(at('secret'), job());
      },
    ],
    [
      'links to other files',
      () => {
        mkdirSync(job('a'));
        for (const name of ['exit', 'stdout']) symlinkSync(at('secret/a', name), job('a', name));
      },
    ],
    [
      'pipes',
      () => {
        mkdirSync(job('a'));
        for (const name of ['exit', 'reason', 'stdout']) execFileSync('mkfifo', [job('a', name)]);
      },
    ],
    [
      'directories',
      () => {
        for (const name of ['exit', 'reason', 'stdout']) mkdirSync(job('a', name), { recursive: true });
      },
    ],
    [
      'a link in place of what came before',
      () => {
        mkdirSync(job('a'));
        symlinkSync(at('secret/a/stdout'), job('a', 'stdout.1'));
      },
    ],
    ['a file in place of the directory', () => writeFileSync(job('a'), '')],
  ])('%s: nothing is read', async (_what, make) => {
    make();
    expect(await findQueued(dir, 'a', true)).toMatchObject({ exitCode: undefined });
    expect(await readPrinted(dir, 'a', 100)).toEqual(nothing);
  });

  test('of endless output the end is read', async () => {
    claim('a', { stdout: `${'x'.repeat(1e6)}end`, stderr: 'short' });
    const { stdout, stderr, cut } = await readPrinted(dir, 'a', 10);
    expect([stdout.toString(), stderr.toString(), cut]).toEqual(['xxxxxxxend', 'short', true]);
  });

  test.each([
    ['a little since', 'end', 'xxxx789end'],
    ['nothing since', '', 'xxxxxxx789'],
    ['much since', 'y'.repeat(20), 'y'.repeat(10)],
  ])('what the runner has put aside is read too: %s', async (_what, since, end) => {
    claim('a', { 'stdout.1': `${'x'.repeat(50)}789`, stdout: since, 'stderr.1': 'early ', stderr: 'late' });
    const { stdout, stderr, cut } = await readPrinted(dir, 'a', 10);
    expect([stdout.toString(), stderr.toString(), cut]).toEqual([end, 'early late', true]);
  });
});
