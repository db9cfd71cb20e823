/**
 * F13: each thing that a session consists of is removed by hand, and each of six commands comes next. `list` has a word
 * for it and names the command that mends it; that command works, and nothing that was not removed is lost.
 * F14: the repository, a worktree, the home or a mounted directory is somewhere else, or the repository is a copy.
 *
 * Planned were 10 things (a proxy among them, which there is none of; `cmd` and `out` count one each instead) × 6, and
 * 5 × 4: derived are 10 × 6 = 60, and 5 × 4 = 20.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultCase } from './cases.ts';
import { inside, type Ended, type Inside } from './inside.ts';
import { misbehaved, openLedger, type Ledger } from './ledger.ts';
import { rowsOf, type Row } from './settle.ts';

const IMAGE = 'localhost/para-test/busybox:1';

interface Session {
  readonly world: Inside;
  readonly ledger: Ledger;
  /** Takes it back to how it was. */
  readonly restore: () => void;
  readonly at: (...path: string[]) => string;
}

/** A session with a container, a commit of each side, and a file that is in neither. */
async function openSession(...more: string[]): Promise<Session> {
  const world = inside();
  const ledger = openLedger(world);
  mkdirSync(join(world.repo.base, 'home/data'));
  const started = await world.para(['start', 's', '--docker', '--image', IMAGE, ...more]);
  expect(started).toMatchObject({ code: 0 });
  const write = (name: string): void => {
    writeFileSync(join(ledger.worktree('s'), name), `${name}\n`);
    ledger.remember({ bytes: `${name}\n` });
  };
  write('inside');
  await ledger.gitInside('s', ['add', 'inside']);
  await ledger.gitInside('s', ['commit', '-qm', 'inside']);
  ledger.remember({ commit: await ledger.gitInside('s', ['rev-parse', 'HEAD']) });
  write('loose');
  const at = (...path: string[]): string => join(world.repo.root, ...path);
  return { world, ledger, restore: world.keep(), at };
}

/** What `list` says of it: the status, or the container's state. */
const WORDS: Readonly<Record<string, Partial<Row>>> = {
  worktree: { status: 'worktree missing' },
  '.git file': { status: 'no .git file' },
  'admin directory': { status: 'not registered' },
  branch: { status: 'branch missing' },
  container: { container: 'missing' },
  network: { container: 'network missing' },
  // Nothing is wrong as long as there is the container that was made of it.
  image: { status: 'active', settle: null },
  record: { status: 'record missing' },
  cmd: { status: 'container files missing' },
  out: { status: 'container files missing' },
};

const THINGS: Readonly<Record<string, (session: Session) => void>> = {
  worktree: ({ at }) => rmSync(at('.para/worktrees/s'), { recursive: true }),
  '.git file': ({ at }) => unlinkSync(at('.para/worktrees/s/.git')),
  'admin directory': ({ at }) => rmSync(at('.git/worktrees/s'), { recursive: true }),
  branch: ({ world }) => world.repo.run(['update-ref', '-d', 'refs/heads/para/s']),
  container: ({ world }) => removeContainers(world),
  network: ({ world }) => {
    // No engine removes one that a running container has.
    for (const it of Object.values(world.engine.containers)) it.state = 'exited';
    for (const name of Object.keys(world.engine.networks))
      Reflect.deleteProperty(world.engine.networks, name);
  },
  image: ({ world }) => world.engine.images.splice(0),
  record: ({ at }) => {
    unlinkSync(at('.para/state/s.state'));
    unlinkSync(at('.para/state/s.state.prev'));
  },
  cmd: ({ at }) => rmSync(at('.para/state/docker/s/cmd'), { recursive: true }),
  out: ({ at }) => rmSync(at('.para/state/docker/s/out'), { recursive: true }),
};

function removeContainers({ engine }: Inside): void {
  for (const id of Object.keys(engine.containers)) Reflect.deleteProperty(engine.containers, id);
}

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  list: ['list', '--json'],
  start: ['start', 's'],
  'docker exec': ['docker', 'exec', 's', '--', 'true'],
  finish: ['finish', 'Done', 's'],
  recover: ['recover', 's'],
  'docker cleanup': ['docker', 'cleanup', '-f'],
};

async function must(world: Inside, args: readonly string[]): Promise<void> {
  const { code, stderr } = await world.para(args);
  expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
}

const rowOf = async (world: Inside): Promise<Row | undefined> =>
  (await rowsOf(world)).find(({ name }) => name === 's');

/** Mended it is active and its container runs; finished there is nothing but its branch. */
async function endsWell({ world, ledger }: Session): Promise<void> {
  await must(world, ['recover', 's']);
  expect(await rowOf(world)).toMatchObject({ status: 'active', settle: null });
  await must(world, ['docker', 'start', 's']);
  expect(await rowOf(world)).toMatchObject({ container: 'running' });
  const before = world.footprint();
  await must(world, ['recover', 's']);
  expect(world.footprint()).toBe(before);
  await must(world, ['finish', 'Done', 's']);
  expect(await rowOf(world)).toMatchObject({ status: 'review' });
  expect(await ledger.broken()).toEqual([]);
  expect(world.engine).toMatchObject({ containers: {}, networks: {} });
}

describe('F13', () => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession();
  });
  afterAll(() => session.world.remove());

  /** `start` finds the name taken, and `finish` takes what there is or says what has to come first. */
  async function comesNext(command: string, thing: string): Promise<void> {
    const { world, ledger, restore } = session;
    restore();
    THINGS[thing]?.(session);
    const known = openLedger(world, ledger.known());
    await known.forgive();
    const row = await rowOf(world);
    expect(row).toMatchObject({ settle: 'para recover s', ...WORDS[thing] });
    const ended = await world.para(COMMANDS[command] ?? []);
    expect([...misbehaved(world, ended), ...(await known.broken())]).toEqual([]);
    expect(ended.stdout + ended.stderr + String(ended.code)).toMatch(
      command === 'start' || ended.code !== 0 ? /para (recover|docker start) s|session s / : /0$/,
    );
    if (command === 'finish' && ended.code === 0) {
      expect(await rowOf(world)).toMatchObject({ status: 'review' });
      return;
    }
    await endsWell({ ...session, ledger: known });
  }

  for (const thing of Object.keys(THINGS))
    test.each(Object.keys(COMMANDS))(`${thing} removed, then %s`, async (command) => {
      await faultCase('F13', `${thing}, ${command}`, () => comesNext(command, thing));
    });
});

describe('half done', () => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession();
  });
  afterAll(() => session.world.remove());

  test.each(['cancel', 'finish'])('a %s was cut short, and git has lost the worktree then', async (verb) => {
    const { world, ledger, restore } = session;
    restore();
    const args = verb === 'cancel' ? ['cancel', 's'] : ['finish', 'Done', 's'];
    expect(await world.para(args, { killAt: 45 })).toMatchObject({ code: undefined });
    expect(await rowOf(world)).toMatchObject({ status: `${verb === 'cancel' ? 'cancell' : 'finish'}ing` });
    THINGS['admin directory']?.(session);
    await must(world, ['recover', 's']);
    expect(await ledger.broken()).toEqual([]);
    expect(await rowOf(world)).toMatchObject({ status: verb === 'cancel' ? 'archived' : 'review' });
  });
});

const NEXT = ['list', 'docker exec', 'finish', 'recover'] as const;

describe('F14', () => {
  let session: Session;

  /** Where all of it is from then on. */
  type Move = (session: Session) => string;
  const MOVES: Readonly<Record<string, Move>> = {
    'the repository moved': ({ world }) => {
      renameSync(world.repo.root, join(world.repo.base, 'elsewhere'));
      return join(world.repo.base, 'elsewhere');
    },
    'the worktree moved': ({ world, at }) => {
      renameSync(at('.para/worktrees/s'), at('.para/worktrees/other'));
      return world.repo.root;
    },
    'the home moved': ({ world }) => {
      const home = join(world.repo.base, 'home');
      rmSync(join(home, '.cache'), { recursive: true, force: true });
      return world.repo.root;
    },
    'the repository copied': ({ world }) => {
      execFileSync('cp', ['-a', world.repo.root, join(world.repo.base, 'copy')]);
      return join(world.repo.base, 'copy');
    },
    'the bind path gone': ({ world }) => {
      for (const it of Object.values(world.engine.containers)) it.state = 'exited';
      rmSync(join(world.repo.base, 'home/data'), { recursive: true });
      return world.repo.root;
    },
  };

  async function goesOn(what: string, command: (typeof NEXT)[number]): Promise<void> {
    const { world, ledger } = session;
    const original = what === 'the repository copied' ? everything(world) : undefined;
    const root = MOVES[what]?.(session) ?? '';
    const ended = await world.para(COMMANDS[command] ?? [], { cwd: root });
    expect(misbehaved(world, ended, root)).toEqual([]);
    if (ended.code !== 0) expect(ended.stderr).toMatch(/↳ [^]*(para recover s|para docker start s|mkdir)/);
    if (command !== 'finish' || ended.code !== 0) await finishes(root);
    const held = ['rev-list', '--objects', '--all'];
    const text = await ledger.git(held, root);
    for (const id of ledger.known().keys()) expect(text).toContain(id);
    if (original === undefined) expect(world.engine.containers).toEqual({});
    else expect(everything(world)).toBe(original);
  }

  async function finishes(root: string): Promise<void> {
    const { world } = session;
    const run = (args: readonly string[]): Promise<Ended> => world.para(args, { cwd: root });
    const tried = await run(['finish', 'Done', 's']);
    if (tried.code === 0) return;
    expect(tried).toMatchObject({ code: 10, stderr: expect.stringContaining('↳ para recover s') });
    expect(await run(['recover', 's'])).toMatchObject({ code: 0 });
    const { stdout } = await run(['list', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      sessions: [{ name: 's', status: 'active', settle: null, container: 'running' }],
    });
    expect(await run(['finish', 'Done', 's'])).toMatchObject({ code: 0 });
  }

  /** Of the original, which a copy must not touch: its files, its refs, its container. */
  function everything(world: Inside): string {
    const files = execFileSync(
      'sh',
      ['-c', 'find .para .git -type f -not -name index | sort | xargs sha1sum'],
      {
        cwd: world.repo.root,
        encoding: 'utf8',
      },
    );
    const name = world.container('s');
    const own = Object.values(world.engine.containers).filter((it) => it.name === name);
    return `${files}${JSON.stringify(own)}`;
  }

  for (const what of Object.keys(MOVES))
    test.each(NEXT)(`${what}, then %s`, async (command) => {
      session = await openSession('--volume', '~/data:/data');
      try {
        await faultCase('F14', `${what}, ${command}`, () => goesOn(what, command));
      } finally {
        session.world.remove();
      }
    });
});
