/**
 * What passes through para is kept nowhere: its peak memory (VmHWM of proc_pid_status(5)) is the same for a long stream
 * as for a short one. 200 MB; 10 GB in a full run.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, words, type World } from '../support/para.ts';
import { Screen } from '../support/screen.ts';

const isFull = process.env['PARA_FAULT_FULL'] === '1';
const BYTES = isFull ? 10_000_000_000 : 200_000_000;
const PRINTED = isFull ? 1_000_000_000 : 40_000_000;
const TIMEOUT = isFull ? 1_200_000 : 120_000;
/** Kilobytes that it may differ by from one run to the next. */
const SLACK = 12_000;

/** Runs `$0 "$@"` with stdin and stdout of the script, and says on stderr what most memory it had, in kB. */
const WATCHED = `exec 3<&0; "$0" "$@" <&3 & p=$!; exec 3<&-
  while now=$(grep VmHWM "/proc/$p/status" 2>/dev/null); do most=$now; sleep 0.02; done
  wait $p; code=$?; echo "$most" >&2; exit $code`;

// A rootless engine is the same program as its other half.
const engines = testEngines().filter(({ id }) => id !== 'rootless');

describe.each(engines.map((engine) => [engine.id, engine] as const))('on %s', (_id, engine) => {
  let world: World;
  let repo: string;

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    const start = ['start', 's', '--docker', '--image', testImages().busybox];
    expect(await world.para(repo, start)).toMatchObject({ code: 0 });
  });
  afterAll(() => world.remove());

  /** Kilobytes at most, and what came out at the end of the line. */
  async function peak(line: string): Promise<{ readonly kilobytes: number; readonly stdout: string }> {
    const script = `para() { sh -c "$W" "$0" "$B" "$@"; }; ${line}`;
    const env = { W: WATCHED, B: world.binary };
    const { code, stdout, stderr } = await world.run(['sh', '-c', script, process.execPath], {
      cwd: repo,
      env,
    });
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/VmHWM:\s+\d+ kB\n$/) });
    return { kilobytes: Number(/VmHWM:\s+(\d+) kB/.exec(stderr)?.[1]), stdout: stdout.trim() };
  }

  test.each([
    ['out', (n: number) => `para docker exec s -- head -c ${String(n)} /dev/zero | wc -c`],
    ['in', (n: number) => `head -c ${String(n)} /dev/zero | para docker exec s -- wc -c`],
  ])(
    'a stream %s of the container',
    async (_way, line) => {
      const little = await peak(line(1_000));
      const much = await peak(line(BYTES));
      expect([little.stdout, much.stdout]).toEqual(['1000', String(BYTES)]);
      expect(much.kilobytes).toBeLessThan(little.kilobytes + SLACK);
    },
    TIMEOUT,
  );

  test(
    'what the container prints, followed until it stops',
    async () => {
      const little = await peak('para docker logs s');
      const running = peak('para docker logs s --follow | wc -c');
      // Lines of 8 kB, by the container's main process: the engine keeps its output alone.
      const print = `head -c ${String(PRINTED)} /dev/zero | tr '\\0' x | fold -w 8000 >/proc/1/fd/1`;
      const printed = await world.para(repo, ['docker', 'exec', 's', '--', 'sh', '-c', print]);
      expect(printed).toMatchObject({ code: 0 });
      expect(await world.para(repo, ['docker', 'stop', 's', '--grace', '1'])).toMatchObject({ code: 0 });
      const { kilobytes, stdout } = await running;
      // An engine may leave out the last of it when the container stops.
      expect(Number(stdout)).toBeGreaterThan(0.9 * PRINTED);
      expect(kilobytes).toBeLessThan(little.kilobytes + SLACK);
    },
    TIMEOUT,
  );
});

if (isFull)
  test('the live view, for five minutes', async () => {
    const world = makeWorld(engines[0]);
    const repo = await world.repo();
    expect(await world.para(repo, ['start', 's', '--docker', '--image', testImages().busybox])).toMatchObject(
      { code: 0 },
    );
    const screen = await Screen.open(world, repo);
    await screen.line('para');
    await screen.until(/▸ s .* running/);
    const pid = readdirSync('/proc').find((name) => isMonitor(name, world.binary)) ?? '';
    const resident = (): number =>
      Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    await sleep(60_000);
    const early = resident();
    await sleep(240_000);
    expect(resident()).toBeLessThan(early + 2 * SLACK);
    await screen.close();
    await world.remove();
  }, 400_000);

function isMonitor(pid: string, binary: string): boolean {
  if (!/^\d+$/.test(pid)) return false;
  try {
    return words(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')).includes(binary);
  } catch {
    return false; // it has ended
  }
}
