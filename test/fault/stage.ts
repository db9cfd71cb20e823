/** Sessions in every state, made once and put back before each case: a fault is tried on each in a second. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionRecord } from '../../src/sessions/store.ts';
import type { Fault } from '../support/fake-engine.ts';
import { repoId } from '../support/para.ts';
import { paraHere } from './para-here.ts';
import { faultWorld, type Answer, type FaultWorld } from './world.ts';

/** What there is before a command; `fresh` is the only one without work. */
export type Before = 'fresh' | 'plain' | 'boxed' | 'stopped' | 'lost' | 'archived' | 'orphan' | 'paired';

export const START = ['start', 's', '--docker', '--image', 'busybox'];

/** The commands that lead to a state; `docker …` is typed to the engine itself. */
const WAYS: Readonly<Record<Before, readonly (readonly string[])[]>> = {
  fresh: [],
  plain: [['start', 's'], ['work']],
  boxed: [START, ['work']],
  stopped: [START, ['work'], ['docker', 'stop', 's']],
  lost: [START, ['work'], ['engine', 'rm', '-f']],
  archived: [START, ['work'], ['cancel', 's']],
  orphan: [START, ['work'], ['finish', 'Done', 's', '--no-container']],
  paired: [START, ['work'], ['start', 't', '--docker', '--image', 'busybox']],
};

/** No engine was asked for these. */
const UNASKED: ReadonlySet<Before> = new Set(['fresh', 'plain']);

/** One state of one repository, and what is done to it. */
export interface Stage {
  readonly at: FaultWorld;
  /** Name of the session's container. */
  readonly container: string;
  para(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Answer>;
  /** The engine's own state of the container; undefined: it has none. */
  engineHas(): string | undefined;
  record(): SessionRecord | undefined;
}

/** The stages of a test file. */
export interface Theatre {
  /** The state, as it was made the first time. */
  set(before: Before): Promise<Stage>;
  remove(): void;
}

/** Environment that makes the fake engine do so. */
export function faults(...list: readonly Fault[]): Readonly<Record<string, string>> {
  return { FAKE_ENGINE_FAULTS: JSON.stringify(list) };
}

/** A theatre of its own for one test file. */
export function theatre(): Theatre {
  const stages = new Map<Before, Stage>();
  return {
    set: async (before) => {
      const there = stages.get(before);
      if (there !== undefined) {
        there.at.reset();
        // What is not known of the engine yet is asked again: a command comes to the same calls each time.
        if (UNASKED.has(before))
          rmSync(there.at.world.env['XDG_CACHE_HOME'] ?? '', { recursive: true, force: true });
        return there;
      }
      const made = await make(before);
      stages.set(before, made);
      made.at.save();
      return made;
    },
    remove: () => {
      for (const { at } of stages.values()) at.remove();
      stages.clear();
    },
  };
}

async function make(before: Before): Promise<Stage> {
  const at = await faultWorld();
  const container = `para-${repoId(at.repo)}-s`;
  for (const args of WAYS[before]) {
    if (args[0] === 'work') await at.work();
    else if (args[0] === 'engine')
      await at.world.out(['docker', ...args.slice(1), container], { env: at.fake.env });
    else await run(at, args);
  }
  const state = at.fake.env['FAKE_ENGINE_STATE'] ?? '';
  // Calls are counted from here on.
  if (existsSync(state)) {
    const known = JSON.parse(readFileSync(state, 'utf8')) as object;
    writeFileSync(state, JSON.stringify({ ...known, calls: {} }));
  }
  return {
    at,
    container,
    para: async (args, more = {}) => {
      const env = { ...at.fake.env, PARA_ENGINE_TIMEOUT: '10', ...more };
      // What prints past para needs a process of its own.
      if (args[1] === 'exec' || args[1] === 'logs') return at.world.para(at.repo, args, { env });
      return paraHere(at.repo, args, { ...at.world.env, ...env });
    },
    engineHas: () => at.fake.containers().find(({ name }) => name === container)?.state,
    record: () => {
      const file = join(at.repo, '.para/state/s.state');
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SessionRecord) : undefined;
    },
  };
}

async function run(at: FaultWorld, args: readonly string[]): Promise<void> {
  const ended = await at.here(args);
  if (ended.code !== 0) throw new Error(`para ${args.join(' ')}: ${ended.stderr}`);
}
