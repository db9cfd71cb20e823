/** A session on a real engine, and what an agent in it would do: everything through `para docker exec`. */
import { chownSync, existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { testImages, type TestEngine } from '../support/engines.ts';
import { makeWorld, repoId, type Ended, type Options, type World } from '../support/para.ts';
import { wrap, type Wrapper } from '../support/wrapper.ts';
import { attack } from './cases.ts';

export type Hardening = 'default' | 'strict';

/** What the user's own environment holds, and nobody inside may know. */
export const TOKEN = 'tok-9d2f41c07be5';
/** What a file of the user's holds. */
export const SECRET = 'hush-72c1';
/** What the container is given as a secret. */
export const KEY = 'key-5d0e96aa31c4';

export interface Box {
  readonly engine: TestEngine;
  readonly world: World;
  readonly repo: string;
  readonly worktree: string;
  /** Made only by a payload that was run on the host. */
  readonly marker: string;
  /** A file of the user's that nothing may bring out. */
  readonly secret: string;
  readonly container: string;
  /** The engine holds a container to its limits. */
  readonly isLimited: boolean;
  /** What para is run with, on top of the world's own. */
  readonly env: Readonly<Record<string, string>>;
  /** The engine's calls are noted by it. */
  readonly wrapper: Wrapper;
  para(args: readonly string[], options?: Options): Promise<Ended>;
  /** Shell text that an agent runs; how it ends is the agent's business. */
  inside(script: string): Promise<Ended>;
  /** One attack: it has held when `work` returns and nothing ran on the host, unless that says NOT_ENFORCED. */
  on(id: string, work: () => Promise<unknown>): Promise<unknown>;
}

/** Makes a repository and a session `s` in it. */
export async function openBox(
  engine: TestEngine,
  hardening: Hardening,
  flags: readonly string[] = [],
): Promise<Box> {
  const world = makeWorld(engine);
  const repo = await world.repo();
  const [work, worktree] = [join(world.dir, 'work'), join(repo, '.para/worktrees/s')];
  const [marker, secret] = [join(work, 'marker'), join(work, 'secret')];
  writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
  chownSync(secret, engine.uid, engine.gid);
  const [settings, key] = [join(world.dir, 'settings.json'), join(work, 'key')];
  writeFileSync(key, KEY, { mode: 0o644 });
  writeFileSync(
    settings,
    JSON.stringify({
      docker: { hardening, default_resource_limits: { pids_limit: 200 } },
      secrets: { key: `file:${key}` },
    }),
  );
  const wrapper = wrap(world, engine.engine);
  const env = { ...wrapper.env, PARA_CONFIG_PATH: settings, AGENT_TOKEN: TOKEN };
  const para: Box['para'] = (args, options = {}) =>
    world.para(options.cwd ?? repo, args, { ...options, env: { ...env, ...options.env } });
  const pointer = join(worktree, '.git');
  const image = flags.includes('--image') ? [] : ['--image', testImages().base];
  const started = await para(['start', 's', '--docker', ...image, ...flags]);
  expect(started).toMatchObject({ code: 0 });
  const before = [lstatSync(pointer).ino, readFileSync(pointer, 'utf8')];
  return {
    ...{ engine, world, repo, worktree, marker, secret, env, wrapper, para },
    container: `para-${repoId(repo)}-s`,
    isLimited: !started.stderr.includes('does not enforce limits'),
    inside: (script) => para(['docker', 'exec', 's', '--', 'sh', '-c', script]),
    on: (id, work) =>
      attack({ attack: id, on: engine.id, under: hardening }, async () => {
        rmSync(marker, { force: true });
        const outcome = await work();
        expect(existsSync(marker)).toBe(false);
        if (existsSync(worktree))
          expect([lstatSync(pointer).ino, readFileSync(pointer, 'utf8')]).toEqual(before);
        return outcome;
      }),
  };
}

/** Runs it and looks at the exit code. */
export async function ends(
  box: Box,
  args: readonly string[],
  codes: readonly number[] = [0],
): Promise<Ended> {
  const ended = await box.para(args);
  expect([args, codes.includes(ended.code ?? -1), ended.code, ended.stderr]).toEqual([
    args,
    true,
    ended.code,
    ended.stderr,
  ]);
  return ended;
}

/** Looks until it is so. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await isSo());) {
    if (Date.now() > end) throw new Error('it did not come to that within a minute');
    await sleep(200);
  }
}
