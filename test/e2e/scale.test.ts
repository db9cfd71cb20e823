/**
 * Many sessions with containers in one repository: what a command starts and opens grows by as much for each of them,
 * however many there are, and no engine is asked once for each.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fakeEngine, type FakeEngine } from '../support/fake-engine.ts';
import { makeWorld, type World } from '../support/para.ts';

let world: World;
let engine: FakeEngine;
let repo: string;

/** What a command did with so many sessions. */
interface Cost {
  readonly git: number;
  readonly engine: number;
  /** Files of the repository and of para's that it, and whatever it started, asked for. */
  readonly opened: number;
}

const SIZES = [10, 40] as const;

/** At most, for each session. Every file that a session has is counted, and every one that git itself asks for. */
const ROWS: readonly (readonly [line: string, most: { readonly git: number; readonly opened: number }])[] = [
  ['list', { git: 3, opened: 70 }],
  ['docker list', { git: 0, opened: 2 }],
  ['monitor --once', { git: 3, opened: 55 }],
  ['clean --dry-run', { git: 0, opened: 8 }],
  ['recover', { git: 0, opened: 2 }],
  ['docker cleanup --dry-run', { git: 0, opened: 8 }],
];
const costs = new Map<string, readonly Cost[]>();

beforeAll(async () => {
  engine = fakeEngine();
  world = makeWorld();
  repo = await world.repo();
  const start = ['start', 's1', '--docker', '--image', 'localhost/para-test/busybox:1'];
  expect(await world.para(repo, start, { env: engine.env })).toMatchObject({ code: 0 });
  let there = 1;
  for (const size of SIZES) {
    await likeTheFirst(there + 1, size);
    there = size;
    for (const [line] of ROWS) costs.set(line, [...(costs.get(line) ?? []), await costOf(line)]);
  }
}, 300_000);
afterAll(async () => {
  engine.remove();
  await world.remove();
});

describe.each(ROWS)('%s', (line, most) => {
  test('grows by as much for each session', () => {
    const [few, many] = costs.get(line) ?? [];
    if (few === undefined || many === undefined) throw new Error('not measured');
    const grown = (what: keyof Cost): number => (many[what] - few[what]) / (SIZES[1] - SIZES[0]);
    expect(grown('engine')).toBe(0);
    expect(grown('git')).toBeLessThanOrEqual(most.git);
    // What goes through all of them for each would open some fifty files more.
    expect(grown('opened')).toBeLessThanOrEqual(most.opened);
  });
});

test('the rows are all there', async () => {
  const { stdout } = await world.para(repo, ['list', '--json'], { env: engine.env });
  const { sessions } = JSON.parse(stdout) as { sessions: { status: string; container: string }[] };
  expect(sessions).toHaveLength(40);
  expect(new Set(sessions.map(({ status, container }) => `${status} ${container}`))).toEqual(
    new Set(['active running']),
  );
});

/** Sessions `s<from>` to `s<to>`: all that the first one is made of, under their names. */
async function likeTheFirst(from: number, to: number): Promise<void> {
  const script = `
    for i in $(seq ${String(from)} ${String(to)}); do
      n=s$i
      git worktree add -q --no-track -b para/$n .para/worktrees/$n main
      sed "s/\\"s1\\"/\\"$n\\"/; s#para/s1\\"#para/$n\\"#; s#worktrees/s1\\"#worktrees/$n\\"#; s/-s1\\"/-$n\\"/" \\
        .para/state/s1.state >.para/state/$n.state
      cp -a .para/state/docker/s1 .para/state/docker/$n
      git update-ref refs/para/inbox/$n/head refs/para/inbox/s1/head
      git update-ref refs/para/meta/$n refs/para/meta/s1
    done`;
  await world.out(['sh', '-ec', script], { cwd: repo });
  const file = engine.env['FAKE_ENGINE_STATE'] ?? '';
  const state = JSON.parse(readFileSync(file, 'utf8')) as { containers: Record<string, unknown> };
  const [one] = Object.values(state.containers);
  for (let number = from; number <= to; number += 1) {
    const id = String(number).padStart(64, '0');
    const copy = JSON.stringify(one).replaceAll('s1"', `s${String(number)}"`);
    state.containers[id] = { ...(JSON.parse(copy) as object), id };
  }
  writeFileSync(file, JSON.stringify(state));
}

async function costOf(line: string): Promise<Cost> {
  const log = join(world.dir, 'tmp', 'trace');
  rmSync(log, { recursive: true, force: true });
  mkdirSync(log);
  // A file for each process: lines of one would come between two halves of another's.
  const trace = [
    'strace',
    '--seccomp-bpf',
    '-ff',
    '-q',
    '-e',
    'trace=openat,execve',
    '-e',
    'signal=none',
    '-o',
    join(log, 't'),
  ];
  const command = [...trace, process.execPath, world.binary, ...line.split(' ')];
  const ended = await world.run(command, { cwd: repo, env: engine.env });
  expect(ended).toMatchObject({ code: 0 });
  const text = readdirSync(log)
    .map((file) => readFileSync(join(log, file), 'utf8'))
    .join('');
  const count = (what: RegExp): number => [...text.matchAll(what)].length;
  return {
    git: count(/^execve\("[^"]*\/git",.* = 0$/gm),
    engine: count(/^execve\("[^"]*\/docker",.* = 0$/gm),
    opened: text.split('\n').filter((call) => call.includes(`"${repo}/`)).length,
  };
}
