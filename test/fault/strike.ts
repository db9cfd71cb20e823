/** Where para can be cut short, and what has to come of it. */
import { expect } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rowOf, type Row, type Verb } from './verbs.ts';
import { faultWorld, type FaultWorld, type Place } from './world.ts';

/** A world in which the verb can run, to be reset to before it. */
export async function worldFor(verb: Verb): Promise<FaultWorld> {
  const at = await faultWorld();
  // The engines are known from now on: each run comes to the same points.
  await at.here(['docker', 'cleanup', '--dry-run']);
  await verb.prepare(at);
  await at.ready();
  at.save();
  return at;
}

/** Every point that the verb passes when nobody strikes, such as `3:during.2`. */
export async function pointsOf(at: Place, verb: Verb): Promise<readonly string[]> {
  const { code, stderr } = await at.para(verb.args, 'points');
  if (code !== 0) throw new Error(`para ${verb.args.join(' ')}: ${String(code)}\n${stderr}`);
  return [...stderr.matchAll(/^fault point (\S+)$/gm)].map(([, point = '']) => point);
}

/**
 * What differs on a real engine: before the first step, after each, and at the first process of each. The end of a step
 * is the beginning of the next, and a verb without steps is all its processes.
 */
export function telling(points: readonly string[]): readonly string[] {
  const hasSteps = points.some((point) => point.endsWith(':after'));
  return points.filter(
    (point) =>
      point === '1:before' ||
      /^[^0].*:(after|during\.1)$/.test(point) ||
      (!hasSteps && point.includes('during')),
  );
}

/** Commands that may be needed until all is at its end. */
const MOST_TRIES = 4;

/**
 * Nothing is lost right after the fault, nor when what was cut short has been settled: by what `list` names, and by the
 * command itself until it has come to its end.
 */
export async function converges(at: Place, verb: Verb, fault: string): Promise<void> {
  expect({ fault, broken: await at.broken() }).toEqual({ fault, broken: [] });
  const told: string[] = [];
  for (;;) {
    const row = await restingRow(at);
    if (await isAtItsEnd(at, verb, row)) break;
    const args = next(verb, row);
    told.push(args.join(' '));
    const { code, stderr } = await at.here(args);
    if (code !== 0 || told.length > MOST_TRIES)
      throw new Error(`${fault}, ${told.join(', ')}: ${String(code)}\n${stderr}${JSON.stringify(row)}`);
  }
  expect({ fault, told, broken: await at.broken() }).toEqual({ fault, told, broken: [] });
}

/** I5: there is nothing left to settle, so `recover` of a session that is there changes nothing. */
export async function isStill(at: Place, fault: string): Promise<void> {
  const row = await rowOf(at);
  if (row === undefined || row.status === 'archived') return;
  const all = async (): Promise<unknown> => ({
    fault,
    refs: await at.git('for-each-ref'),
    record: readFileSync(join(at.repo, '.para/state/s.state'), 'utf8'),
    engine: [...(await at.containers()), ...(await at.networks())],
    row: await rowOf(at),
  });
  const before = await all();
  const { code, stderr } = await at.here(['recover', 's']);
  expect({ fault, code, stderr: code === 0 ? '' : stderr }).toEqual({ fault, code: 0, stderr: '' });
  expect(await all()).toEqual(before);
}

/** Gives an agent the time to end. */
async function restingRow(at: Place): Promise<Row | undefined> {
  for (let waited = 0; ; waited += 1) {
    const row = await rowOf(at);
    if (row?.agent?.state !== 'running' || waited === 20) return row;
    await sleep(50);
  }
}

async function isAtItsEnd(at: Place, { end, isDone }: Verb, row: Row | undefined): Promise<boolean> {
  if (end === undefined) return row === undefined && (await isDone?.(at, row)) !== false;
  const fits = Object.entries(end).every(([key, value]) => row?.[key as keyof Row] === value);
  return fits && (await isDone?.(at, row)) !== false;
}

/** What `list` names; else the command itself. */
function next({ args, again }: Verb, row: Row | undefined): readonly string[] {
  const half = row !== undefined && row.settle !== null && row.status !== 'archived';
  return half ? words(row.settle) : (again?.(row) ?? args);
}

/** `para finish "What was done" s` as a list. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([word]) => word.replaceAll('"', '')).slice(1);
}
