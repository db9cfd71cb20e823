/**
 * para is killed before, during and after every step of every changing verb, on the fake engine. Points are found by
 * going on until one is not reached, so a new step joins by itself. After each: nothing is lost, `list` works and says
 * what settles it, that command ends well, and the verb's own end is reached.
 */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { faultCase } from './cases.ts';
import { faultWorld, type FaultWorld } from './world.ts';

interface Verb {
  readonly name: string;
  /** Run before, without any fault. */
  readonly before: readonly (readonly string[])[];
  /** The command that is cut short. */
  readonly args: readonly string[];
  /** Work is in the session before the command runs. */
  readonly work: boolean;
  /** STATUS in `list --all` at the end; undefined: no row. */
  readonly end: string;
}

const START = ['start', 's', '--docker', '--image', 'busybox'];
const VERBS: readonly Verb[] = [
  { name: 'start', before: [], args: ['start', 's'], work: false, end: 'active' },
  { name: 'start --docker', before: [], args: START, work: false, end: 'active' },
  { name: 'finish', before: [START], args: ['finish', 'Done', 's'], work: true, end: 'review' },
  { name: 'cancel', before: [START], args: ['cancel', 's'], work: true, end: 'archived' },
  { name: 'recover', before: [['start', 's']], args: ['recover', 's'], work: true, end: 'active' },
];

let at: FaultWorld;
beforeEach(async () => {
  at = await faultWorld();
});
afterEach(() => {
  at.remove();
});

interface Row {
  readonly name: string;
  readonly status: string;
  readonly settle: string | null;
}
async function rows(): Promise<readonly Row[]> {
  const listed = await at.para(['list', '--all', '--json']);
  expect(listed).toMatchObject({ code: 0 });
  return (JSON.parse(listed.stdout) as { sessions: Row[] }).sessions;
}

/** False when the point is not there: the command came to its end. */
async function cutShort(verb: Verb, fault: string): Promise<boolean> {
  for (const args of verb.before) expect(await at.para(args)).toMatchObject({ code: 0 });
  if (verb.work) await at.work();
  if (verb.name === 'recover') expect(await at.para(['cancel', 's'])).toMatchObject({ code: 0 });
  const ended = await at.para(verb.args, fault);
  if (ended.code === 0) return false;
  expect(ended).toMatchObject({ signal: 'SIGKILL' });
  return true;
}

async function settle(verb: Verb): Promise<void> {
  const [row] = await rows();
  const half = row !== undefined && row.settle !== null && row.status !== 'archived';
  // What list names; then the command itself, unless its end is reached: a start was taken back.
  if (half) {
    const args = words(row.settle);
    expect({ args, ...(await at.para(args)) }).toMatchObject({ code: 0 });
  }
  if ((await rows())[0]?.status === verb.end) return;
  expect({ args: verb.args, ...(await at.para(verb.args)) }).toMatchObject({ code: 0 });
}

/** Nothing is lost right after the kill, nor when what was cut short has been settled. */
async function converges(verb: Verb, fault: string): Promise<void> {
  expect({ fault, broken: await at.broken() }).toEqual({ fault, broken: [] });
  await settle(verb);
  expect({ fault, rows: await rows(), broken: await at.broken() }).toMatchObject({
    fault,
    rows: [{ name: 's', status: verb.end }],
    broken: [],
  });
}

/** `para finish "What was done" s` as a list. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([word]) => word.replaceAll('"', '')).slice(1);
}

describe.each(VERBS)('$name', (verb) => {
  test.each(['before', 'during', 'after'])(
    'killed %s each step',
    async (moment) => {
      let points = 0;
      for (let step = 1; ; step += 1) {
        const fault = `kill@${String(step)}:${moment}`;
        const cut = await cutShort(verb, fault);
        if (cut) {
          points += 1;
          await faultCase('F1', `${verb.name} ${fault}`, () => converges(verb, fault));
        }
        if (!cut && step > 12) break;
        at.remove();
        at = await faultWorld();
      }
      // `during` strikes only where a step starts a process.
      expect(points).toBeGreaterThanOrEqual(moment === 'during' ? 1 : 3);
    },
    600_000,
  );
});
