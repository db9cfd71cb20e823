/**
 * F16 on real engines: para and whatever engine clients it has started are killed together at a random moment of
 * `create` or `start`, as when a terminal's whole group or the machine's memory killer takes them. Docker's daemon may
 * go on and make the container later; podman may leave a process that watches a container it has no record of. In the
 * end nothing is there that no session owns and `docker cleanup` does not name. Twenty on each engine in a full run.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines } from '../support/engines.ts';
import { inBackground, repoId } from '../support/para.ts';
import { faultCase, isFull } from './cases.ts';
import { enginePlaces, type EnginePlaces } from './engine-places.ts';
import { randomOf, SEED } from './random.ts';
import { rowOf, START } from './verbs.ts';
import type { Place } from './world.ts';

const KILLS = isFull ? 20 : 3;
/** What an engine's call takes at most, in milliseconds. */
const LONGEST_MS = 200;
/** Engine not available. */
const EXIT_ENGINE = 6;

/** Processes as the kernel has them: number, parent, command line. */
function processes(): readonly { pid: number; parent: number; line: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]);
        return [{ pid: Number(pid), parent, line: readFileSync(`/proc/${pid}/cmdline`, 'utf8') }];
      } catch {
        return []; // it has ended
      }
    });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Waits for the engine's client that was told to do this with the session's container. */
async function begun(at: Place, verb: string): Promise<void> {
  const name = `para-${repoId(at.repo)}-s`;
  const isIt = (line: string): boolean => line.includes(`\0${verb}\0`) && line.includes(`\0${name}\0`);
  while (!processes().some(({ line }) => isIt(line))) await sleep(1);
}

/** Kills para first, so that it sees nothing of the others' deaths. */
function killWithClients(at: Place): void {
  const all = processes();
  const para = all.find(({ line }) => line.split('\0')[1] === at.world.binary);
  if (para === undefined) return;
  kill(para.pid);
  for (const { pid, parent } of all) if (parent === para.pid) kill(pid);
}

/** What watches containers of the repository although the engine does not know them. */
async function strays(at: Place): Promise<readonly number[]> {
  const known = new Set((await at.world.engine('ps', '-aq', '--no-trunc')).split('\n'));
  const mine = `\0para-${repoId(at.repo)}-s\0`;
  return processes()
    .filter(({ line }) => line.split('\0')[0]?.endsWith('conmon') === true && line.includes(mine))
    .filter(({ line }) => ![...known].some((id) => id !== '' && line.includes(id)))
    .map(({ pid }) => pid);
}

/** Everything that nobody owns is named; what is named goes. */
async function nothingIsHidden(at: Place, what: string): Promise<void> {
  const hidden = await strays(at);
  const { stdout } = await at.here(['docker', 'cleanup', '--dry-run', '--json']);
  const { kept } = JSON.parse(stdout) as { kept: { kind: string; name: string; next: string }[] };
  const named = kept
    .filter(({ kind }) => kind === 'process')
    .map(({ name }) => Number(/^\d+/.exec(name)?.[0]));
  expect({ what, hidden: hidden.filter((pid) => !named.includes(pid)) }).toEqual({ what, hidden: [] });
  for (const pid of named) kill(pid);
  expect({ what, broken: await at.broken() }).toEqual({ what, broken: [] });
}

/** Also when what the engine itself has lost has to be mended first, as para says. */
async function startsAgain(at: Place, what: string): Promise<void> {
  let { code, stderr } = await at.here(START);
  if (code === EXIT_ENGINE && stderr.includes('↳ podman system migrate')) {
    await at.world.engine('system', 'migrate');
    ({ code, stderr } = await at.here(START));
  }
  if (code !== 0) throw new Error(`${what}\n${stderr}`);
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (id, engine) => {
  let places: EnginePlaces;
  beforeAll(() => {
    places = enginePlaces(engine);
  });
  afterAll(() => places.world.remove());

  test(`${String(KILLS)} kills of all, seed ${String(SEED)}`, async () => {
    const random = randomOf(SEED);
    for (let nth = 1; nth <= KILLS; nth += 1) {
      const [verb, ms] = [random() < 0.6 ? 'create' : 'start', random() * LONGEST_MS];
      const what = `seed ${String(SEED)}: all killed ${ms.toFixed(0)} ms after ${verb}`;
      await faultCase('F16', `${id}: ${what}`, async () => {
        const at = await places.fresh();
        const running = inBackground(at.world, START, { cwd: at.repo });
        await begun(at, verb);
        await sleep(ms);
        killWithClients(at);
        await running.ended;
        await at.here(['recover', 's']);
        await nothingIsHidden(at, what);
        // What the engine's daemon still had to do is done by now.
        await sleep(500);
        if ((await rowOf(at)) === undefined) await startsAgain(at, what);
        await nothingIsHidden(at, what);
        await places.clear(at);
      });
    }
  }, 3_600_000);
});
