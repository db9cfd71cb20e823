/**
 * F3: docker's daemon is killed, or told to end, at each engine call of each command. F4: it is stopped there and never
 * answers. F15: the machine goes down. On a daemon of the test's own, since others work with the shared one; only root
 * can start one, so for other users there are no cases.
 * The matrix has 7 calls × 4 commands for F3 and F4; the calls are those that are found by running the commands.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testImages } from '../support/engines.ts';
import { ownDocker, type OwnDocker } from '../support/own-docker.ts';
import { makeWorld, repoId, words, type Ended, type World } from '../support/para.ts';
import { wrap, type Wrapper } from '../support/wrapper.ts';
import { cases, sample } from './cases.ts';
import { paraHere } from './para-here.ts';
import { placeIn, type Place } from './world.ts';

const { busybox } = testImages();
const START = ['start', 's', '--docker', '--image', busybox];
const DEADLINE_S = 2;

interface Verb {
  readonly name: string;
  readonly before: readonly (readonly string[])[];
  readonly args: readonly string[];
  /** STATUS and CONTAINER of the session's row at the end. */
  readonly end: object;
  readonly calls: number;
}

const ACTIVE = { status: 'active', container: 'running' };
const VERBS: readonly Verb[] = [
  { name: 'start', before: [], args: START, end: ACTIVE, calls: 5 },
  {
    name: 'finish',
    before: [START, ['work']],
    args: ['finish', 'Done', 's'],
    end: { status: 'review' },
    calls: 6,
  },
  { name: 'cancel', before: [START, ['work']], args: ['cancel', 's'], end: { status: 'archived' }, calls: 6 },
  {
    name: 'docker exec',
    before: [START, ['work']],
    args: ['docker', 'exec', 's', '--', 'true'],
    end: ACTIVE,
    calls: 1,
  },
  {
    name: 'docker start',
    before: [START, ['work'], ['docker', 'stop', 's']],
    args: ['docker', 'start', 's'],
    end: ACTIVE,
    calls: 2,
  },
  {
    name: 'docker stop',
    before: [START, ['work']],
    args: ['docker', 'stop', 's'],
    end: { status: 'active', container: 'exited' },
    calls: 2,
  },
  { name: 'list', before: [START, ['work']], args: ['list'], end: ACTIVE, calls: 1 },
];

/** What happens to the daemon as the client makes its n-th call. */
const STRIKE = (pidFile: string, calls: string): string => `
n=$(( $(cat '${calls}' 2>/dev/null || echo 0) + 1 )); echo $n >'${calls}'
if [ "$n" = "\${STRIKE_AT:-0}" ]; then
  case $STRIKE_HOW in
    STOP|KILL) kill -s $STRIKE_HOW "$(cat '${pidFile}')" ;;
    during) (sleep 0.03; kill -s KILL "$(cat '${pidFile}')") >/dev/null 2>&1 & ;;
    end) (kill -s TERM "$(cat '${pidFile}')") >/dev/null 2>&1 & ;;
  esac
fi`;

let docker: OwnDocker;
let world: World;
let wrapper: Wrapper;
let counter: string;
let repos = 0;
const isRoot = process.getuid?.() === 0;

if (isRoot) {
  beforeAll(async () => {
    docker = await ownDocker(busybox);
    world = makeWorld(docker.engine);
    counter = join(world.dir, 'work', 'strikes');
    wrapper = wrap(world, 'docker', STRIKE(docker.pidFile, counter));
    // The engine is known from here on.
    const known = await world.repo('first');
    expect(await world.para(known, ['docker', 'list'], { env: wrapper.env })).toMatchObject({ code: 0 });
  }, 120_000);
  afterAll(async () => {
    await docker.up();
    await world.remove();
    await docker.down();
  }, 120_000);
}

interface Scene extends Place {
  para(args: readonly string[], strike?: string, how?: string): Promise<Ended>;
}

/** A repository in the state that a verb begins with. */
async function scene(verb: Verb): Promise<Scene> {
  await docker.up();
  const repo = await world.repo(`repo-${String((repos += 1))}`);
  const env = { ...world.env, ...wrapper.env };
  const mine = ['--filter', `label=para.repo=${repoId(repo)}`];
  const place = await placeIn(world, repo, {
    env: wrapper.env,
    here: (args) => paraHere(repo, args, env),
    containers: async () => words(await world.engine('ps', '-a', ...mine, '--format', '{{.Names}}')),
    networks: async () => words(await world.engine('network', 'ls', ...mine, '--format', '{{.Name}}')),
    engine: (...args) => world.engine(...args),
  });
  for (const args of verb.before) {
    if (args[0] === 'work') await place.work();
    else expect(await place.para(args)).toMatchObject({ code: 0 });
  }
  const para = (args: readonly string[], at = '0', how = 'none'): Promise<Ended> => {
    rmSync(counter, { force: true });
    const strike = {
      STRIKE_AT: at,
      STRIKE_HOW: how,
      PARA_ENGINE_TIMEOUT: how === 'STOP' ? String(DEADLINE_S) : '60',
    };
    return world.para(repo, args, { env: { ...wrapper.env, ...strike } });
  };
  return { ...place, para };
}

async function row(at: Scene): Promise<unknown> {
  const { stdout } = await at.para(['list', '--all', '--json']);
  return (JSON.parse(stdout) as { sessions: { name: string }[] }).sessions.find(({ name }) => name === 's');
}

/** With the daemon up again nothing is lost, and the same command comes to its end. */
async function converges(verb: Verb, at: Scene): Promise<void> {
  await docker.up();
  expect(await at.broken()).toEqual([]);
  // A container that went down with its daemon is started by what `docker exec` says.
  if (verb.end === ACTIVE && verb.name !== 'start') await at.para(['docker', 'start', 's']);
  const isThere = await row(at).then((found) => matches(found, verb.end));
  if (!isThere) {
    const again = await at.para(verb.args);
    expect(again).toMatchObject({ code: 0 });
  }
  expect(await row(at)).toMatchObject(verb.end);
  expect(await at.broken()).toEqual([]);
  await at.engine('ps');
}

function matches(found: unknown, wanted: object): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => (found as Record<string, unknown> | undefined)?.[key] === value,
  );
}

const HOW = ['KILL', 'during', 'end'] as const;

/** `list` goes on without the engine; that the network stays is no failure of a session's end. */
function isLenient({ name }: Verb, nth: number): boolean {
  return name === 'list' || ((name === 'finish' || name === 'cancel') && nth === 6);
}

async function down(verb: Verb, nth: number, how: (typeof HOW)[number]): Promise<void> {
  const at = await scene(verb);
  const ended = await at.para(verb.args, String(nth), how);
  if (how === 'KILL' && !isLenient(verb, nth) && verb.name !== 'docker exec') {
    expect(ended).toMatchObject({ code: 6 });
    expect(ended.stderr).toMatch(/docker is installed, but its engine does not answer[^]*↳ \S/);
  }
  if (verb.name === 'list') expect(ended).toMatchObject({ code: 0 });
  if (ended.code !== 0) expect([1, 6, 7, 125, 137, 143, 255]).toContain(ended.code);
  if (ended.code !== 0 && verb.name !== 'docker exec') expect(ended.stderr).toMatch(/✗ .*\n[^]*↳ \S/);
  await converges(verb, at);
}

async function stopped(verb: Verb, nth: number): Promise<void> {
  const at = await scene(verb);
  try {
    const ended = await at.para([...verb.args, '--verbose'], String(nth), 'STOP');
    const took = [...ended.stderr.matchAll(/# (\d+) ms, deadline passed/g)].map(
      ([, ms]) => Number(ms) / 1_000,
    );
    expect(took.length).toBeGreaterThan(0);
    expect(Math.max(...took)).toBeLessThan(DEADLINE_S + (/ stop -t 10 /.test(ended.stderr) ? 10 : 0) + 2);
    expect(ended).toMatchObject({ code: isLenient(verb, nth) ? 0 : 124 });
    if (!isLenient(verb, nth) || verb.name === 'list') expect(ended.stderr).toContain('in time');
  } finally {
    await docker.up();
  }
  await converges(verb, at);
}

/** What is written down of this boot is of another one. */
function forgetBoot(repo: string): void {
  const state = join(repo, '.para/state');
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const files = readdirSync(state, { recursive: true, encoding: 'utf8' }).map((name) => join(state, name));
  for (const file of files.filter((name) => /\.state$|\/locks\/[^/]+$/.test(name) && existsSync(name)))
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(boot, '00000000-0000-4000-8000-000000000000'));
}

async function reboot(verb: Verb, fault: string): Promise<void> {
  const at = await scene(verb);
  const env = { ...wrapper.env, PARA_FAULT: fault };
  expect(await world.para(at.repo, verb.args, { env })).toMatchObject({ signal: 'SIGKILL' });
  docker.crash();
  forgetBoot(at.repo);
  await converges(verb, at);
}

const points = VERBS.flatMap((verb) =>
  Array.from({ length: verb.calls }, (_, index) => ({ verb, nth: index + 1 })),
);

if (isRoot) {
  test('F3: the daemon goes down at a call', async () => {
    const all = points.flatMap((point) => HOW.map((how) => ({ ...point, how })));
    const label = ({ verb, nth, how }: (typeof all)[number]): string =>
      `${verb.name}: ${how} at ${String(nth)}`;
    await cases('F3', sample(all, 16), { label, work: ({ verb, nth, how }) => down(verb, nth, how) });
  }, 1_800_000);

  test('F4: the daemon is stopped at a call', async () => {
    const all = points.filter(({ verb }) => ['start', 'finish', 'cancel', 'list'].includes(verb.name));
    const label = ({ verb, nth }: (typeof all)[number]): string => `${verb.name}: stopped at ${String(nth)}`;
    await cases('F4', sample(all, 9), { label, work: ({ verb, nth }) => stopped(verb, nth) });
  }, 1_800_000);

  test('F15: the machine goes down in the middle', async () => {
    const all = ['start', 'finish', 'cancel'].flatMap((name) =>
      ['2:after', '4:before'].map((point) => ({
        verb: VERBS.find((verb) => verb.name === name) as Verb,
        point,
      })),
    );
    const label = ({ verb, point }: (typeof all)[number]): string => `${verb.name}: docker, ${point}`;
    await cases('F15', sample(all, 6), { label, work: ({ verb, point }) => reboot(verb, `kill@${point}`) });
  }, 1_800_000);
}
