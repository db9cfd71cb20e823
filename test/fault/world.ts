/** A repository with a session on the fake engine, and what must hold whatever happens to para. */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeEngine, type FakeEngine } from '../support/fake-engine.ts';
import { mainCheckout } from '../support/look.ts';
import { makeWorld, repoId, type Ended, type World } from '../support/para.ts';
import { paraHere } from './para-here.ts';
import { secondLook } from './second-look.ts';

/** Text of every piece of work that a session holds; none may ever be lost. */
const WORK = {
  committed: 'work that is committed\n',
  staged: 'work that is staged\n',
  loose: 'work that is not\n',
};

/** How a command that was not cut short has ended. */
export type Answer = Pick<Ended, 'code' | 'stdout' | 'stderr'>;

/** A repository in which a session `s` lives through a fault. */
export interface Place {
  readonly world: World;
  readonly repo: string;
  readonly worktree: string;
  /** A process of its own, which may meet a fault. */
  para(args: readonly string[], fault?: string): Promise<Ended>;
  /** Without a fault, as cheap as can be. */
  here(args: readonly string[]): Promise<Answer>;
  /** The user's git in the main checkout; output of a call that must succeed. */
  git(...args: string[]): Promise<string>;
  /** Names of all that the engine has of this repository. */
  containers(): Promise<readonly string[]>;
  networks(): Promise<readonly string[]>;
  /** What somebody does with the engine's own command line. */
  engine(...args: string[]): Promise<unknown>;
  /** Puts work of each kind into the session; what is committed is committed in its container when it has one. */
  work(): Promise<void>;
  /** From here on the main checkout must not change. */
  ready(): Promise<void>;
  /** What is broken of what must hold after every fault; empty when all is well. */
  broken(): Promise<readonly string[]>;
}

export interface FaultWorld extends Place {
  readonly fake: FakeEngine;
  /** Remembers all as it is now; `reset` brings it back. */
  save(): void;
  reset(): void;
  remove(): void;
}

/** Output of a call of git that must succeed. */
type Git = Place['git'];

/** A fresh repository; the engine is the fake one. */
export async function faultWorld(): Promise<FaultWorld> {
  const world = makeWorld();
  const fake = fakeEngine();
  const repo = await world.repo();
  const env = { ...world.env, ...fake.env };
  const place = await placeIn(world, repo, {
    env: fake.env,
    here: (args) => paraHere(repo, args, env),
    containers: () => Promise.resolve(fake.containers().map(({ name }) => name)),
    networks: () => Promise.resolve(fake.networks()),
    engine: (...args) => world.out(['docker', ...args], { env: fake.env }),
  });
  return {
    ...{ ...place, fake },
    ...copies(world, repo, fake),
    remove: () => {
      fake.remove();
      void world.remove();
    },
  };
}

/** The part of a place that depends on its engine. */
type EngineSide = Pick<Place, 'here' | 'containers' | 'networks' | 'engine'> & {
  readonly env: Readonly<Record<string, string>>;
};

/** A place in a repository that is there. */
export async function placeIn(world: World, repo: string, side: EngineSide): Promise<Place> {
  const { env, ...rest } = side;
  // The container's git directory borrows from a path that is only in the container.
  const borrowed = { GIT_ALTERNATE_OBJECT_DIRECTORIES: join(repo, '.git/objects') };
  const git: Git = (...args) =>
    world.out(['git', '--no-optional-locks', ...args], { cwd: repo, env: borrowed });
  const [worktree, sealed] = [join(repo, '.para/worktrees/s'), join(repo, '.para/state/docker/s/git')];
  // By what its files say, as para does: in there somebody may have written that git should look elsewhere.
  const inBox = async (): Promise<string> => {
    const tips = refsIn(sealed);
    if (tips.length === 0) return '';
    const env = { GIT_ALTERNATE_OBJECT_DIRECTORIES: join(sealed, 'objects') };
    return world.out(['git', 'rev-list', '--objects', ...tips], { cwd: repo, env });
  };
  let before = await mainCheckout(world, repo);
  let worked: string | undefined;
  return {
    ...{ world, repo, worktree, git, ...rest },
    para: (args, fault) =>
      world.para(repo, args, { env: { ...env, ...(fault === undefined ? {} : { PARA_FAULT: fault }) } }),
    work: async () => {
      worked = await makeWork(world, { worktree, sealed }, borrowed);
    },
    ready: async () => {
      before = await mainCheckout(world, repo);
    },
    broken: async () => {
      const found: string[] = [];
      // I3: the user's checkout, HEAD, index, branches and settings.
      if (JSON.stringify(await mainCheckout(world, repo)) !== JSON.stringify(before))
        found.push('the main checkout changed');
      if (worked !== undefined) found.push(...(await lostWork(git, { worktree, inBox, commit: worked })));
      found.push(...(await unowned(repo, rest)));
      found.push(...(await fsck(git)));
      return found;
    },
  };
}

/** The repository and the engine's state stay where they are, since both hold absolute paths; copies are put back. */
function copies(world: World, repo: string, fake: FakeEngine): Pick<FaultWorld, 'save' | 'reset'> {
  const state = fake.env['FAKE_ENGINE_STATE'] ?? '';
  const [savedRepo, savedState] = [join(world.dir, 'saved-repo'), join(world.dir, 'saved-state')];
  const copy = (from: string, to: string): void => {
    rmSync(to, { recursive: true, force: true });
    execFileSync('cp', ['-a', from, to]);
  };
  return {
    save: () => {
      copy(repo, savedRepo);
      writeFileSync(savedState, existsSync(state) ? readFileSync(state) : '');
    },
    reset: () => {
      rmSync(join(world.dir, 'state/para'), { recursive: true, force: true });
      copy(savedRepo, repo);
      const saved = readFileSync(savedState);
      if (saved.length > 0) writeFileSync(state, saved);
      else rmSync(state, { force: true });
    },
  };
}

async function fsck(git: Git): Promise<readonly string[]> {
  return secondLook(() => git('fsck', '--strict', '--no-dangling')).then(
    () => [],
    (error: unknown) => [`git fsck: ${String(error)}`],
  );
}

interface Kept {
  readonly worktree: string;
  /** The git directory of the session's container. */
  readonly sealed: string;
}

/** @returns the commit */
async function makeWork(
  world: World,
  { worktree, sealed }: Kept,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const inside = existsSync(sealed) ? `export GIT_DIR='${sealed}' GIT_WORK_TREE='${worktree}'` : ':';
  const file = (name: keyof typeof WORK): string => `printf '%s' '${WORK[name]}' >${name}`;
  const script = `${file('committed')}; (${inside}; git add committed; git commit -qm committed; git rev-parse HEAD)
    ${file('staged')}; git add staged; ${file('loose')}`;
  return world.out(['sh', '-ec', script], { cwd: worktree, env });
}

/** I1, I2: each text is in a file of the worktree or in a commit that a ref holds, the commit is held by one. */
async function lostWork(
  git: Git,
  {
    worktree,
    commit,
    inBox,
  }: { readonly worktree: string; readonly commit: string; readonly inBox: () => Promise<string> },
): Promise<string[]> {
  const inRepo = await secondLook(() => git('rev-list', '--objects', '--all', '--glob=refs/para'));
  // One that is half made, or half removed, holds nothing that git could read.
  const names = new Set(
    `${inRepo}\n${await inBox().catch(() => '')}`.split('\n').map((line) => line.split(' ', 1)[0]),
  );
  const lost = names.has(commit) ? [] : [`lost: the commit ${commit}`];
  for (const [name, text] of Object.entries(WORK)) {
    const file = join(worktree, name);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    if (!names.has(blob(text))) lost.push(`lost: ${name}`);
  }
  return lost;
}

/** The commits that a git directory's own files name. */
function refsIn(dir: string): readonly string[] {
  const read = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const loose = existsSync(join(dir, 'refs')) ? readdirSync(join(dir, 'refs'), { recursive: true }) : [];
  const files = loose
    .map((name) => join('refs', String(name)))
    .filter((path) => lstatSync(join(dir, path)).isFile());
  const texts = ['HEAD', 'packed-refs', ...files].map((path) =>
    existsSync(join(dir, path)) ? read(path) : '',
  );
  return [...new Set(texts.join('\n').match(/^[0-9a-f]{40}\b/gm) ?? [])];
}

function blob(text: string): string {
  return createHash('sha1')
    .update(`blob ${String(text.length)}\0${text}`)
    .digest('hex');
}

/** I4: what the engine has is owned by a record, or `docker cleanup` names it. */
async function unowned(
  repo: string,
  { containers, here }: Pick<Place, 'containers' | 'here'>,
): Promise<readonly string[]> {
  const mine = `para-${repoId(repo)}-s`;
  // A restricted session has a proxy beside its container, and for a moment what tries its network.
  const record = join(repo, '.para/state/s.state');
  const names = [mine, `${mine}--proxy`, `${mine}--check`];
  const isOwned = (name: string): boolean =>
    (names.includes(name) && existsSync(record)) || (isWarm(name) && (isReady(name) || isTaken(name)));
  // What is kept ready has a file of its own, or the session that takes it says so.
  const isWarm = (name: string): boolean => /-warm--[0-9a-f]{8}$/.test(name);
  const isReady = (name: string): boolean =>
    existsSync(join(repo, '.para/state/warm', name.slice(-14), 'slot.json'));
  const isTaken = (name: string): boolean =>
    existsSync(record) && readFileSync(record, 'utf8').includes(`"warm": "${name.slice(-14)}"`);
  if ((await containers()).every(isOwned)) return [];
  const { stdout } = await here(['docker', 'cleanup', '--dry-run', '--json']);
  const { orphans, kept } = JSON.parse(stdout) as Record<'orphans' | 'kept', { name: string }[]>;
  const named = new Set([...orphans, ...kept].map(({ name }) => name));
  // A call of the para that was killed may have come to its end meanwhile.
  const left = (await containers()).filter((name) => !isOwned(name) && !named.has(name));
  return left.map((name) => `nobody owns ${name}`);
}
