/**
 * F4: the engine takes a call and never answers, from each of the calls on that a command makes: found by running it,
 * where the matrix has 7 × 4. Each call is given up at its deadline, nothing of it is left running, and the same
 * command comes to its end when the engine goes on.
 */
import { afterAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { inBackground } from '../support/para.ts';
import { cases, faultCase, sample } from './cases.ts';
import { callsOf, ENGINE_VERBS, requireEndsWell, requireSaid, type EngineVerb } from './engine-verbs.ts';
import { faults, theatre, type Stage } from './stage.ts';

const DEADLINE_S = 2;
/** What the matrix allows on top of the deadline. */
const LATE_S = 2;
const house = theatre();
afterAll(() => {
  house.remove();
});

/** Pids of every process that was an engine since the stage was set. */
function stillRunning(stage: Stage): readonly number[] {
  const log = readFileSync(stage.at.fake.env['FAKE_ENGINE_LOG'] ?? '', 'utf8');
  const pids = [...log.matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid));
  return pids.filter((pid) => commandOf(pid).includes('fake-engine'));
}

/** Empty when there is none: a number is soon another process's. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

async function hang(
  verb: EngineVerb,
  stage: Stage,
  { from, after }: { from: number; after: boolean },
): Promise<void> {
  const made = stage.at.fake.calls().length;
  const ended = await stage.para([...verb.args, '--verbose'], {
    ...faults({ verb: '*', from, do: 'hang', after }),
    PARA_ENGINE_TIMEOUT: String(DEADLINE_S),
  });
  const hung = stage.at.fake.calls().length - made - from + 1;
  const took = [...ended.stderr.matchAll(/# (\d+) ms, deadline passed/g)].map(([, ms]) => Number(ms) / 1_000);
  expect(hung).toBeGreaterThan(0);
  // Undoing included; stop has its 10 s of grace besides.
  expect(took).toHaveLength(hung);
  expect(Math.max(...took)).toBeLessThan(DEADLINE_S + (/ stop -t 10 /.test(ended.stderr) ? 10 : 0) + LATE_S);
  expect(stillRunning(stage)).toEqual([]);
  if (verb.name === 'list') expect(ended).toMatchObject({ code: 0 });
  else if (ended.stderr.includes('the network is left')) {
    // All else was done by then.
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr).toMatch(/the network is left: .* in time; later: para docker cleanup/);
    expect((await stage.para(['docker', 'cleanup', '-f'])).code).toBe(0);
  } else {
    expect(ended).toMatchObject({ code: 124 });
    requireSaid(ended);
    expect(ended.stderr).toContain('in time');
  }
  await requireEndsWell(verb, stage, ended);
}

// These have no deadline, since what they print is the user's, and may be long; see below.
const ENDLESS: Readonly<Record<string, readonly string[]>> = {
  'docker exec': ['docker', 'exec', 's', '--', 'true'],
  'docker logs': ['docker', 'logs', 's'],
};

test.each(ENGINE_VERBS.filter(({ name }) => ENDLESS[name] === undefined))(
  '$name: the engine hangs at each call',
  async (verb) => {
    const made = await callsOf(verb, await house.set(verb.before));
    // A pull takes as long as the network does: it has half an hour, whatever is asked of the other calls.
    const calls = made.filter((call) => !call.verb.startsWith('pull'));
    const all = calls.flatMap((call) => [
      { call, after: false },
      { call, after: true },
    ]);
    await cases('F4', sample(all, 12), {
      label: ({ call, after }) =>
        `${verb.name}: from ${String(call.nth)} on (${call.verb})${after ? ', done all the same' : ''}`,
      work: async ({ call, after }) => hang(verb, await house.set(verb.before), { from: call.nth, after }),
    });
  },
  900_000,
);

const ENDED = Object.entries(ENDLESS).flatMap(([name, args]) =>
  (['SIGINT', 'SIGTERM'] as const).map((signal) => [name, signal, args] as const),
);
test.each(ENDED)('%s: the engine hangs, and %s ends it', async (name, signal, args) => {
  const stage = await house.set('boxed');
  await faultCase('F4', `${name}: ${signal}`, async () => {
    const { world, repo, fake } = stage.at;
    const env = { ...fake.env, ...faults({ verb: '*', from: 1, do: 'hang' }), PARA_ENGINE_TIMEOUT: '1' };
    const before = fake.calls().length;
    const running = inBackground(world, args, { cwd: repo, env });
    while (fake.calls().length === before) await sleep(20);
    await sleep(100);
    const told = performance.now();
    running.tell(signal);
    const { code } = await running.ended;
    expect(code).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(performance.now() - told).toBeLessThan(1_000 + LATE_S * 1_000 + 1_000);
    expect(stillRunning(stage)).toEqual([]);
  });
});
