/**
 * F5: the engine lies at each call of each command. Eight lies for each of the calls that are found by running the
 * command: more than the matrix' 6 × 12, since noise with a failure and nonsense are told apart from half an answer.
 */
import { afterAll, expect, test } from '@jest/globals';
import type { Fault } from '../support/fake-engine.ts';
import { cases, sample } from './cases.ts';
import { callsOf, ENGINE_VERBS, requireEndsWell, requireSaid, type EngineVerb } from './engine-verbs.ts';
import { faults, theatre, type Stage } from './stage.ts';

/** What the engine says, and whether that alone must not keep a command from its end. */
const LIES: readonly (Omit<Fault, 'verb' | 'nth'> & { readonly name: string; readonly harmless?: true })[] = [
  { name: 'a failure after success', do: 'fail', after: true, stderr: 'Error: it did not work\n' },
  { name: 'success without effect', do: 'lie' },
  { name: 'half an answer', do: 'half' },
  { name: 'nonsense', do: 'garbage' },
  { name: '10 MB of noise', do: 'noise', harmless: true },
  { name: '10 MB of failure', do: 'noise', exitCode: 1 },
  { name: 'unknown fields', do: 'extra', harmless: true },
  { name: 'no UTF-8', do: 'bytes', harmless: true },
];

const house = theatre();
afterAll(() => {
  house.remove();
});

async function lieTo(verb: EngineVerb, stage: Stage, lie: (typeof LIES)[number], nth: number): Promise<void> {
  const { harmless, ...fault } = lie;
  // What `docker exec` prints is the command's own, and so is its exit code.
  const unsaid = verb.answerOnly === true;
  const ended = await stage.para(verb.args, faults({ ...fault, verb: '*', nth }));
  if (harmless === true && !unsaid) expect(ended).toMatchObject({ code: 0 });
  if (ended.code === 0 && !unsaid)
    expect({ ...ended, done: verb.isDone(stage, ended) }).toMatchObject({ done: true });
  // It would be made again.
  if (verb.name === 'list') expect(ended.stdout).not.toContain('missing');
  if (ended.code !== 0 && verb.name !== 'docker exec') requireSaid(ended);
  // Not the ten megabytes.
  if (verb.name !== 'docker exec' && verb.name !== 'docker logs')
    expect(ended.stderr.length).toBeLessThan(8_192);
  await requireEndsWell(verb, stage, ended);
}

test.each(ENGINE_VERBS)(
  '$name: it is lied to at each call',
  async (verb) => {
    const calls = await callsOf(verb, await house.set(verb.before));
    expect(calls.length).toBeGreaterThan(0);
    const all = calls.flatMap((call) => LIES.map((lie) => ({ call, lie })));
    await cases('F5', sample(all, 12), {
      label: ({ call, lie }) => `${verb.name}: ${lie.name} at ${String(call.nth)} (${call.verb})`,
      work: async ({ call, lie }) => lieTo(verb, await house.set(verb.before), lie, call.nth),
    });
  },
  900_000,
);
