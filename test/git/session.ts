/** A session as para makes it, and git as it runs inside the container. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bringBack, type BroughtBack } from '../../src/git/bring-back.ts';
import { hideParaFiles } from '../../src/git/exclude.ts';
import { resolveBase } from '../../src/git/refs.ts';
import { type Repository, openRepository } from '../../src/git/repository.ts';
import { createSealed, type Sealed } from '../../src/git/sealed.ts';
import { addWorktree, requireAdminDir } from '../../src/git/worktrees.ts';
import { type TempRepo, tempRepo } from '../support/temp-repo.ts';

export interface TestSession {
  readonly temp: TempRepo;
  readonly repo: Repository;
  readonly path: string;
  readonly admin: string;
  readonly branch: string;
  readonly base: string;
  readonly sealed: Sealed;
  /** git inside the container: the sealed directory, with the mounts' paths put back to the host's. */
  inside(...args: string[]): string;
  write(path: string, content: string | Buffer): void;
  bringBack(): Promise<BroughtBack>;
}

export async function openSession(temp: TempRepo = tempRepo(), name = 's1'): Promise<TestSession> {
  const repo = await openRepository(temp.git, temp.root);
  await hideParaFiles(repo);
  const base = await resolveBase(repo);
  const path = join(temp.root, '.para/worktrees', name);
  const branch = `para/${name}`;
  await addWorktree({ repo, path, branch, base });
  const dir = join(temp.root, '.para/state/docker', name, 'git');
  mkdirSync(dir, { recursive: true });
  const sealed = await createSealed({ repo, session: name, worktreePath: path, branch, base, dir });
  const hostObjects = sealed.mounts
    .filter(({ target }) => target.startsWith('/para/objects'))
    .map(({ source }) => `${source}\n`);
  writeFileSync(join(dir, 'objects/info/alternates'), hostObjects.join(''));
  return {
    temp,
    repo,
    path,
    branch,
    base,
    sealed,
    admin: await requireAdminDir(repo, path),
    inside: (...args) =>
      temp.run(args, {
        cwd: path,
        env: { GIT_DIR: dir, GIT_WORK_TREE: path, GIT_CONFIG_GLOBAL: '/dev/null' },
      }),
    write: (file, content) => {
      mkdirSync(join(path, file, '..'), { recursive: true });
      writeFileSync(join(path, file), content);
    },
    bringBack: () => bringBack({ repo, session: name, sealedDir: dir, branch }),
  };
}
