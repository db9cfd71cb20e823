import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { boxChecks, noneChecks, type BoxSeen } from '../../src/sessions/box-checks.ts';
import { BOX_SCRIPT, parseBox } from '../../src/sessions/box-script.ts';

const ZERO = '0'.repeat(16);
const SAID = ['exec', 'main']
  .flatMap((who) => [
    ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => `status ${who} ${name}: ${ZERO}`),
    ...[`status ${who} NoNewPrivs: 1`, `status ${who} Seccomp: 2`],
  ])
  .concat('ns pid pid:[1]', 'ns net net:[2]', 'tool mkdir', 'end');

/** A box that holds, changed in what it says and in what else is known. */
function seen(lines: readonly string[], change: Partial<BoxSeen> = {}): BoxSeen {
  const facts = parseBox(lines.join('\n'));
  if (facts === undefined) throw new Error('no end');
  return {
    ...{ facts, status: [], namespaces: new Map([['pid', 'pid:[9]']]), hardening: 'strict', openMounts: [] },
    held: { memoryBytes: 64, cpus: 1, pids: 9 },
    given: { memoryBytes: 64, cpus: 1, pids: 9 },
    enforced: new Map([
      ['memory', true],
      ['cpu', true],
      ['pids', true],
    ]),
    ...change,
  };
}

const broken = (what: BoxSeen) =>
  boxChecks(what)
    .filter(({ verdict }) => verdict === 'not held')
    .map(({ check, detail }) => `${check}: ${detail}`);

test('a box that holds', () => {
  expect(boxChecks(seen(SAID)).map(({ verdict }) => verdict)).toEqual(Array(15).fill('held'));
});

test.each([
  [
    SAID.map((line) => line.replace('exec CapEff: 0', 'exec CapEff: 1')),
    /no capabilities: CapEff of the exec process/,
  ],
  [SAID.filter((line) => !line.includes('Seccomp')), /system calls are filtered: the kernel does not say/],
  [[...SAID, 'ns pid pid:[9]'], /namespaces of its own: pid is this machine's/],
  [[...SAID, 'wrote hook /r/.git/hooks'], /no hook of git can be written: \/r\/\.git\/hooks can be written/],
  [[...SAID, 'sees /r/.para/worktrees/b'], /nothing of another session is there: \/r/],
  [[...SAID, 'wrote root /'], /the root is read-only/],
  [[...SAID, 'socket /run/docker.sock'], /no engine's socket is there/],
])('one that does not: %#', (lines, message) => {
  expect(broken(seen(lines))).toEqual([expect.stringMatching(message)]);
});

test('this machine is believed, whatever the box says', () => {
  const status = [{ who: 'main', name: 'CapEff', value: '1' }];
  expect(broken(seen(SAID, { status }))).toEqual(['no capabilities: CapEff of the main process is 1']);
  expect(broken(seen(SAID, { held: { memoryBytes: 1e9, cpus: 8, pids: 9 } }))).toHaveLength(2);
  expect(broken(seen(SAID, { openMounts: ['/r is mounted at /x'] }))).toHaveLength(3);
});

test('what was not promised is not applicable, with a reason', () => {
  const change = { hardening: 'off', held: {}, namespaces: new Map(), enforced: new Map() } as const;
  const rows = boxChecks(
    seen(
      SAID.filter((line) => line !== 'tool mkdir'),
      change,
    ),
  );
  const open = rows.filter(({ verdict }) => verdict === 'not applicable');
  expect(open).toHaveLength(13);
  for (const { detail } of open) expect(detail).not.toBe('');
});

test('a box without network has no route, of either kind', () => {
  expect(noneChecks(seen(SAID).facts)).toMatchObject([{ verdict: 'held' }]);
  for (const line of ['route eth0 00000000', 'route6 eth0'])
    expect(noneChecks(seen([...SAID, line]).facts)).toMatchObject([{ verdict: 'not held' }]);
});

test('the script is one that sh takes, and finds nothing of ours where there is nothing', () => {
  const argv = ['-c', BOX_SCRIPT, 'sh', 'test', '/nonexistent/.git', 'default', '/nonexistent/other'];
  const facts = parseBox(execFileSync('sh', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  expect(facts?.status.filter(({ name }) => name === 'Seccomp').map(({ who }) => who)).toEqual([
    'exec',
    'main',
  ]);
  expect([facts?.wrote.get('hook'), facts?.seen, facts?.canTry]).toEqual([undefined, [], true]);
});

test.each(['', 'status exec CapEff: 0', 'the end', 'end?'])(
  'what did not come to its end is no answer: %j',
  (text) => {
    expect(parseBox(text)).toBeUndefined();
  },
);
