/** The commands that ask an engine for something, and how to tell whether they have done what they say. */
import { expect } from '@jest/globals';
import { START, type Before, type Stage } from './stage.ts';
import type { Answer } from './world.ts';

export interface EngineVerb {
  readonly name: string;
  readonly before: Before;
  readonly args: readonly string[];
  /** What exit code 0 promises, asked of the engine and the record themselves. */
  isDone(stage: Stage, ended: Answer): boolean;
  /** The engine's answer is all that there is: nothing else could tell that it is a lie. */
  readonly answerOnly?: true;
}

const isRunning = (stage: Stage): boolean =>
  stage.engineHas() === 'running' &&
  stage.record()?.status === 'active' &&
  stage.record()?.operation === null &&
  stage.record()?.container !== null;
// The network is the repository's: one that stays is found by `docker cleanup`, or used by the next session.
const isGone = (stage: Stage): boolean => stage.engineHas() === undefined;

/** One of each; a verb's engine calls are found by running it. */
export const ENGINE_VERBS: readonly EngineVerb[] = [
  { name: 'start', before: 'fresh', args: START, isDone: isRunning },
  {
    name: 'docker start (adopt)',
    before: 'plain',
    args: ['docker', 'start', 's', '--image', 'busybox'],
    isDone: isRunning,
  },
  { name: 'docker start', before: 'stopped', args: ['docker', 'start', 's'], isDone: isRunning },
  {
    name: 'docker stop',
    before: 'boxed',
    args: ['docker', 'stop', 's', '--grace', '0'],
    isDone: (stage) => stage.engineHas() === 'exited',
  },
  {
    name: 'docker stop --remove',
    before: 'boxed',
    args: ['docker', 'stop', 's', '--remove', '--grace', '0'],
    isDone: (stage) => isGone(stage) && stage.record()?.container === null,
  },
  {
    name: 'docker exec',
    before: 'boxed',
    args: ['docker', 'exec', 's', '--', 'cat', 'committed'],
    isDone: (_stage, { stdout }) => stdout === 'work that is committed\n',
    answerOnly: true,
  },
  {
    name: 'docker logs',
    before: 'boxed',
    args: ['docker', 'logs', 's'],
    isDone: (_stage, { code }) => code === 0,
    answerOnly: true,
  },
  {
    name: 'list',
    before: 'boxed',
    args: ['list', '--json'],
    isDone: (_stage, { code, stdout }) => code === 0 && /"container": ?"running"/.test(stdout),
    answerOnly: true,
  },
  {
    name: 'docker list',
    before: 'boxed',
    args: ['docker', 'list'],
    isDone: (_stage, { stdout }) => /running/.test(stdout),
    answerOnly: true,
  },
  {
    name: 'finish',
    before: 'boxed',
    args: ['finish', 'Done', 's'],
    isDone: (stage) => isGone(stage) && stage.record()?.status === 'review',
  },
  {
    name: 'cancel',
    before: 'boxed',
    args: ['cancel', 's'],
    isDone: (stage) => isGone(stage) && stage.record() === undefined,
  },
  { name: 'recover', before: 'lost', args: ['recover', 's'], isDone: isRunning },
  { name: 'resume', before: 'stopped', args: ['resume', 's'], isDone: isRunning },
  {
    name: 'docker cleanup',
    before: 'orphan',
    args: ['docker', 'cleanup', '--engine', 'docker'],
    isDone: isGone,
    answerOnly: true,
  },
];

/** A call of the engine: what is asked, and which of the verb's calls it is. */
export interface EngineCall {
  readonly nth: number;
  readonly verb: string;
}

/** The calls that a verb makes when all is well. */
export async function callsOf(verb: EngineVerb, stage: Stage): Promise<readonly EngineCall[]> {
  const before = stage.at.fake.calls().length;
  const ended = await stage.para(verb.args);
  expect({ ...ended, done: verb.isDone(stage, ended) }).toMatchObject({ code: 0, done: true });
  const calls = stage.at.fake.calls().slice(before);
  return calls.map(([, ...words], index) => ({ nth: index + 1, verb: words.slice(0, 2).join(' ') }));
}

/** A failure names what it is about and what to type next, and is no bug in para. */
export function requireSaid({ code, stderr }: Answer): void {
  expect(stderr).toMatch(/✗ .*(container|network|image|engine|docker|session)[^]*↳ \S/);
  expect([1, 6, 7, 8, 10, 124]).toContain(code);
}

/** Nothing is lost; and the same command, with an engine that is honest, comes to its end. */
export async function requireEndsWell(verb: EngineVerb, stage: Stage, ended: Answer): Promise<void> {
  expect(await stage.at.broken()).toEqual([]);
  if (!verb.isDone(stage, ended) || ended.code !== 0) {
    const again = await stage.para(verb.args);
    const done = verb.isDone(stage, again);
    // What was done, and denied, is not done twice.
    const wasDone = again.code !== 0 && done;
    expect({ ...again, done, wasDone }).toMatchObject({ ...(wasDone ? {} : { code: 0 }), done: true });
  }
  expect(await stage.at.broken()).toEqual([]);
}
