/** A repository with a session on the fake engine, and what must hold whatever happens to para. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeEngine, type FakeEngine } from '../support/fake-engine.ts';
import { mainCheckout } from '../support/look.ts';
import { makeWorld, repoId, type Ended, type World } from '../support/para.ts';

/** Text of every piece of work that a session holds; none may ever be lost. */
const WORK = {
  committed: 'work that is committed\n',
  staged: 'work that is staged\n',
  loose: 'work that is not\n',
};

export interface FaultWorld {
  readonly world: World;
  readonly repo: string;
  readonly fake: FakeEngine;
  para(args: readonly string[], fault?: string): Promise<Ended>;
  /** Puts work of each kind into the session's worktree. */
  work(): Promise<void>;
  /** What is broken of what must hold after every fault; empty when all is well. */
  broken(): Promise<readonly string[]>;
  remove(): void;
}

/** A fresh repository; the engine is the fake one. */
export async function faultWorld(): Promise<FaultWorld> {
  const world = makeWorld();
  const fake = fakeEngine();
  const repo = await world.repo();
  const before = await mainCheckout(world, repo);
  const worktree = join(repo, '.para/worktrees/s');
  let worked = false;
  const git = (...args: string[]): Promise<string> =>
    world.out(['git', '--no-optional-locks', ...args], { cwd: repo });
  return {
    world,
    repo,
    fake,
    para: (args, fault) =>
      world.para(repo, args, { env: { ...fake.env, ...(fault === undefined ? {} : { PARA_FAULT: fault }) } }),
    work: async () => {
      const file = (name: string, text: string): string => `printf '%s' '${text}' >${name}`;
      const script = `${file('committed', WORK.committed)}; git add committed; git commit -qm committed
        ${file('staged', WORK.staged)}; git add staged; ${file('loose', WORK.loose)}`;
      await world.out(['sh', '-ec', script], { cwd: worktree });
      worked = true;
    },
    broken: async () => {
      const found: string[] = [];
      // I3: the user's checkout, HEAD, index, branches and settings.
      if (JSON.stringify(await mainCheckout(world, repo)) !== JSON.stringify(before))
        found.push('the main checkout changed');
      if (worked) found.push(...(await lostWork(worktree, git)));
      // I4: what the engine has is owned by a record.
      const owned = existsSync(join(repo, '.para/state/s.state'));
      const names = fake.containers().map(({ name }) => name);
      if (names.some((name) => name !== `para-${repoId(repo)}-s`) || (names.length > 0 && !owned))
        found.push(`containers nobody owns: ${names.join(' ')}`);
      await git('fsck', '--strict', '--no-dangling').catch((error: unknown) =>
        found.push(`git fsck: ${String(error)}`),
      );
      return found;
    },
    remove: () => {
      fake.remove();
      void world.remove();
    },
  };
}

/** I1, I2: each text is in a file of the worktree, or in a commit that a ref holds. */
async function lostWork(worktree: string, git: (...args: string[]) => Promise<string>): Promise<string[]> {
  const objects = await git('rev-list', '--objects', '--all', '--glob=refs/para');
  const names = new Set(objects.split('\n').map((line) => line.split(' ', 1)[0]));
  const lost: string[] = [];
  for (const [name, text] of Object.entries(WORK)) {
    const file = join(worktree, name);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    if (!names.has(await blobOf(git, text))) lost.push(`lost: ${name}`);
  }
  return lost;
}

async function blobOf(git: (...args: string[]) => Promise<string>, text: string): Promise<string> {
  const script = `printf '%s' '${text}' | git hash-object --stdin`;
  return git('-c', `alias.x=!${script}`, 'x');
}
