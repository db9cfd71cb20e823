/** Every changing verb: what is there before, the command, and where it has to end whatever happened to it. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { proxyImage } from '../../src/docker/proxy-image.ts';
import type { Place } from './world.ts';

/** A row of `para list --all --json`; what is asked of it here. */
export interface Row {
  readonly name: string;
  readonly status: string;
  readonly container: string | null;
  readonly ahead: number | null;
  readonly agent: { readonly state: string; readonly log: string } | null;
  readonly settle: string | null;
}

export interface Verb {
  readonly name: string;
  /** Makes what is there before. */
  readonly prepare: (at: Place) => Promise<unknown>;
  /** The command that is cut short. */
  readonly args: readonly string[];
  /** The same when a part of it is done, where that is another one. */
  readonly again?: (row: Row | undefined) => readonly string[];
  /** Every how manyth point is enough for a normal run: a full one takes all. */
  readonly every?: number;
  /** What is to be so at the end, of the session's row and besides. */
  readonly end: Partial<Row> | undefined;
  readonly isDone?: (at: Place, row: Row | undefined) => boolean | Promise<boolean>;
}

/** A name that every engine of the tests knows. */
const IMAGE = 'localhost/para-test/busybox:1';
/** What makes the session, with a container. */
export const START = ['start', 's', '--docker', '--image', IMAGE];

async function must(at: Place, ...args: string[]): Promise<void> {
  const { code, stderr } = await at.here(args);
  if (code !== 0) throw new Error(`para ${args.join(' ')}: ${String(code)}\n${stderr}`);
}

async function plain(at: Place): Promise<void> {
  await must(at, 'start', 's');
  await at.work();
}

async function boxed(at: Place): Promise<void> {
  await must(at, ...START);
  await at.work();
}

/** An agent that ends at once. */
async function agent(at: Place): Promise<void> {
  await must(at, 'config', 'set', 'agent.command', '["sh", "-c", "echo {prompt}"]');
}

/** A container and a network whose session was removed by hand. */
async function orphaned(at: Place): Promise<void> {
  await must(at, ...START);
  await at.git('worktree', 'remove', '--force', at.worktree);
  await at.git('branch', '-D', 'para/s');
  await at.git('update-ref', '-d', 'refs/para/meta/s');
  rmSync(join(at.repo, '.para/state'), { recursive: true });
}

/** A finished session that was merged, and an old archive of another one. */
async function over(at: Place): Promise<void> {
  mkdirSync(join(at.repo, '.para'));
  writeFileSync(join(at.repo, '.para/config.json'), '{"session":{"auto_cleanup_days":0}}');
  await must(at, 'start', 't');
  await must(at, 'cancel', 't');
  await plain(at);
  await must(at, 'finish', 'Done', 's');
  await at.git('merge', '-q', 'para/s');
}

/** A script that would run on this machine. */
const SCRIPT = 'true\n';

/** A repository that asks for something. */
function asking(at: Place): Promise<void> {
  mkdirSync(join(at.repo, '.para'));
  writeFileSync(join(at.repo, '.para/setup.sh'), SCRIPT);
  return Promise.resolve();
}

async function isTrusted(at: Place): Promise<boolean> {
  const { stdout } = await at.here(['docker', 'trust', '--show', '--json']);
  return (JSON.parse(stdout) as { files: { approved: boolean }[] }).files.every(({ approved }) => approved);
}

/** What makes a restricted session. */
const START_CLOSED = [...START, '--allow-domain', 'example.com'];

/** So that no case makes the image anew, which holds all of node. */
async function withProxyImage(at: Place): Promise<void> {
  await at.engine('import', '-', (await proxyImage()).image);
}

async function closed(at: Place): Promise<void> {
  await withProxyImage(at);
  await must(at, ...START_CLOSED);
  await at.work();
}

/** A secret of the user's, which every container gets. */
const SECRET = 'tok-5b0c77e1d9a4';
function secret(at: Place): Promise<void> {
  const [file, settings] = [join(at.world.dir, 'home/token'), join(at.world.dir, 'config/para')];
  writeFileSync(file, SECRET, { mode: 0o600 });
  mkdirSync(settings, { recursive: true });
  writeFileSync(join(settings, 'config.json'), JSON.stringify({ secrets: { token: `file:${file}` } }));
  return Promise.resolve();
}

/** True when it is in the container's memory, no other place has it, and what waited for it waits no longer. */
async function hasSecret(at: Place): Promise<boolean> {
  const [container = ''] = await at.containers();
  const inside = await at.engine('exec', container, 'cat', '/run/secrets/token');
  const { stdout } = await at.world.run(['grep', '-rlaF', SECRET, at.repo]);
  return inside === SECRET && stdout === '' && !existsSync(join(at.repo, '.para/state/docker/s/cmd/held'));
}

/** True when the engine has no more of the session: the network that it shared may wait for `docker cleanup`. */
async function isBare(at: Place): Promise<boolean> {
  const own = (await at.networks()).filter((name) => !name.startsWith('para-network-'));
  return (await at.containers()).length + own.length === 0;
}

/** True when it has a session's container and its proxy, and both networks. */
async function isClosed(at: Place): Promise<boolean> {
  return (await at.containers()).length === 2 && (await at.networks()).length === 2;
}

/** Record, branch and container are gone. */
async function broken(at: Place): Promise<void> {
  await boxed(at);
  for (const file of ['s.state', 's.state.prev']) rmSync(join(at.repo, '.para/state', file), { force: true });
  await at.git('update-ref', '-d', 'refs/heads/para/s');
  await at.engine('rm', '-f', ...(await at.containers()));
}

/** An agent that has ended, in a container that is stopped. */
async function rested(at: Place): Promise<void> {
  await agent(at);
  await must(at, 'dispatch', 's', 'Do this', ...START.slice(2));
  for (let waited = 0; waited < 200 && (await rowOf(at))?.agent?.state !== 'exited'; waited += 1)
    await sleep(20);
  await must(at, 'docker', 'stop', 's');
}

/** The session's row, if it has one. */
export async function rowOf(at: Place): Promise<Row | undefined> {
  const { code, stdout, stderr } = await at.here(['list', '--all', '--json']);
  if (code !== 0) throw new Error(`para list: ${String(code)}\n${stderr}`);
  return (JSON.parse(stdout) as { sessions: Row[] }).sessions.find(({ name }) => name === 's');
}

/** What makes a container ready. */
const FILL = ['docker', 'pool', 'fill', '--image', IMAGE];

/** What is kept ready, or was: how many of each kind. Their worktrees are git's, and there is no other. */
async function warmOf(at: Place): Promise<string> {
  const all = join(at.repo, '.para/state/warm');
  const used = existsSync(join(at.repo, '.para/state/s.state'))
    ? readFileSync(join(at.repo, '.para/state/s.state'), 'utf8')
    : '';
  const kinds = (existsSync(all) ? readdirSync(all) : []).map((id) => {
    if (used.includes(`"warm": "${id}"`)) return 'used';
    return existsSync(join(all, id, 'slot.json')) ? 'ready' : 'left';
  });
  const trees = (await at.git('worktree', 'list', '--porcelain')).match(/^worktree .*\/warm--/gm) ?? [];
  const ready = kinds.filter((kind) => kind === 'ready').length;
  if (trees.length !== ready) kinds.push('left');
  const count = (kind: string): string[] => {
    const many = kinds.filter((one) => one === kind).length;
    return many === 0 ? [] : [`${String(many)} ${kind}`];
  };
  return ['ready', 'used', 'left'].flatMap(count).join(', ');
}

const FINISH = ['finish', 'Done', 's'];
/** What gives it one later. */
export const ADOPT = ['docker', 'start', 's', '--image', IMAGE];
const GO_ON = ['resume', 's', '-p', 'Go on'];
const ACTIVE = { status: 'active', settle: null };
const BOXED = { ...ACTIVE, container: 'running' };

export const VERBS: readonly Verb[] = [
  {
    name: 'start',
    prepare: () => Promise.resolve(),
    args: ['start', 's'],
    end: { ...ACTIVE, container: null },
  },
  {
    name: 'start --docker',
    prepare: () => Promise.resolve(),
    args: START,
    again: (row) => (row === undefined ? START : ADOPT),
    end: BOXED,
  },
  {
    name: 'dispatch',
    prepare: agent,
    args: ['dispatch', 's', 'Do this'],
    // The session is there, or there was nothing left of it.
    again: (row) => (row === undefined ? ['dispatch', 's', 'Do this'] : GO_ON),
    end: ACTIVE,
    isDone: (_at, row) => row?.agent?.state === 'exited',
  },
  {
    name: 'docker start of a plain session',
    prepare: plain,
    args: ADOPT,
    end: { ...BOXED, ahead: 1 },
  },
  {
    // Real engines know no digest of what was made on this machine.
    name: 'docker start --pin',
    prepare: plain,
    args: [...ADOPT, '--pin'],
    every: 6,
    end: { ...BOXED, ahead: 1 },
  },
  { name: 'docker sync', prepare: boxed, args: ['docker', 'sync', 's'], end: { ...BOXED, ahead: 1 } },
  {
    name: 'docker update',
    prepare: boxed,
    args: ['docker', 'update', 's', '--memory', '2g'],
    end: BOXED,
    isDone: (at) =>
      readFileSync(join(at.repo, '.para/state/s.state'), 'utf8').includes('"memory_bytes": 2147483648'),
  },
  {
    name: 'docker stop --remove',
    prepare: boxed,
    args: ['docker', 'stop', 's', '--remove'],
    end: { ...ACTIVE, container: null, ahead: 1 },
  },
  {
    name: 'resume',
    prepare: rested,
    args: GO_ON,
    end: BOXED,
    isDone: (_at, row) => row?.agent?.state === 'exited' && !row.agent.log.endsWith('-1.log'),
  },
  { name: 'finish without a container', prepare: plain, args: FINISH, end: { status: 'review' } },
  { name: 'finish', prepare: boxed, args: FINISH, end: { status: 'review' } },
  { name: 'cancel', prepare: boxed, args: ['cancel', 's'], end: { status: 'archived' } },
  {
    name: 'recover',
    prepare: async (at) => {
      await plain(at);
      await must(at, 'cancel', 's');
    },
    args: ['recover', 's'],
    end: ACTIVE,
  },
  {
    name: 'recover of what was broken by hand',
    prepare: broken,
    args: ['recover', 's'],
    end: BOXED,
  },
  {
    name: 'start of a restricted session',
    prepare: withProxyImage,
    args: START_CLOSED,
    every: 6,
    again: (row) => (row === undefined ? START_CLOSED : [...ADOPT, '--allow-domain', 'example.com']),
    end: BOXED,
    isDone: isClosed,
  },
  {
    name: 'finish of a restricted session',
    prepare: closed,
    args: FINISH,
    every: 6,
    end: { status: 'review' },
    isDone: isBare,
  },
  {
    name: 'cancel of a restricted session',
    prepare: closed,
    args: ['cancel', 's'],
    every: 6,
    end: { status: 'archived' },
    isDone: isBare,
  },
  {
    name: 'docker start of a restricted session',
    prepare: async (at) => {
      await closed(at);
      await must(at, 'docker', 'stop', 's');
    },
    args: ['docker', 'start', 's'],
    end: BOXED,
    isDone: isClosed,
  },
  {
    name: 'recover of a restricted session that lost its proxy',
    prepare: async (at) => {
      await closed(at);
      await at.engine('rm', '-f', ...(await at.containers()).filter((name) => name.endsWith('--proxy')));
    },
    args: ['recover', 's'],
    every: 6,
    end: BOXED,
    isDone: isClosed,
  },
  {
    name: 'start with secrets',
    prepare: secret,
    args: START,
    every: 8,
    again: (row) => (row === undefined ? START : ADOPT),
    end: BOXED,
    isDone: hasSecret,
  },
  {
    name: 'docker start with secrets',
    prepare: async (at) => {
      await secret(at);
      await boxed(at);
      await must(at, 'docker', 'stop', 's');
    },
    args: ['docker', 'start', 's'],
    end: BOXED,
    isDone: hasSecret,
  },
  {
    name: 'docker update of an allow-list',
    prepare: closed,
    args: ['docker', 'update', 's', '--allow-domain', 'b.test', '--deny-domain', 'example.com'],
    end: BOXED,
    isDone: (at) => {
      const lists = ['s.state', 'docker/s/proxy/rules.json'].map((file) =>
        readFileSync(join(at.repo, '.para/state', file), 'utf8').replaceAll(/\s/g, ''),
      );
      return lists.every((text) => /"allow(ed_domains)?":\["b\.test"\]/.test(text));
    },
  },
  {
    name: 'docker pool fill',
    every: 6,
    prepare: (at) => must(at, 'config', 'set', 'docker.warm_pool', '1'),
    args: FILL,
    end: undefined,
    isDone: async (at) => (await at.containers()).length === 1 && (await warmOf(at)) === '1 ready',
  },
  {
    name: 'start of what was kept ready',
    every: 12,
    prepare: async (at) => {
      await must(at, 'config', 'set', 'docker.warm_pool', '1');
      await must(at, ...FILL);
    },
    args: START,
    again: (row) => (row === undefined ? START : ADOPT),
    end: BOXED,
    isDone: async (at) => {
      await must(at, 'docker', 'cleanup');
      const left = (await warmOf(at)).replace(/, ?|1 used/g, '');
      return (
        (await at.containers()).length === (left === '1 ready' ? 2 : 1) && ['', '1 ready'].includes(left)
      );
    },
  },
  {
    name: 'docker pool drain',
    every: 6,
    prepare: async (at) => {
      await must(at, 'config', 'set', 'docker.warm_pool', '1');
      await must(at, ...FILL);
    },
    args: ['docker', 'pool', 'drain'],
    end: undefined,
    isDone: async (at) => (await at.containers()).length === 0 && (await warmOf(at)) === '',
  },
  {
    name: 'docker cleanup',
    prepare: orphaned,
    args: ['docker', 'cleanup'],
    end: undefined,
    isDone: async (at) => (await at.containers()).length + (await at.networks()).length === 0,
  },
  {
    name: 'clean',
    prepare: over,
    args: ['clean'],
    end: undefined,
    isDone: async (at) => (await at.git('for-each-ref', 'refs/heads/para', 'refs/para')) === '',
  },
  {
    // The approval is there or it is not: half of one would be none.
    name: 'docker trust',
    prepare: asking,
    args: ['docker', 'trust', '--yes', '--sha256', createHash('sha256').update(SCRIPT).digest('hex')],
    end: undefined,
    isDone: isTrusted,
  },
];
