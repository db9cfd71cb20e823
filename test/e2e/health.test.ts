/**
 * A container that is killed, also for want of memory, not well, or hung is put back up with its work as it was; then it is given up, and it is
 * said why. The engines take part side by side. PARA_FAULT_FULL=1: twenty times each, and waiting for a real silence.
 */
import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { inBackground, makeWorld, repoId, type Background, type World } from '../support/para.ts';

const FULL = process.env['PARA_FAULT_FULL'] === '1';
const TIMES = FULL ? 20 : 1;
/** Seconds that a recovery may take: two looks, the checks that fail, a restart; or the silence, and a restart. */
const LIMIT_S = { killed: 20, 'out of memory': 20, unhealthy: 30, hung: 60 } as const;

type Event = Readonly<Record<'session' | 'what' | 'text', string>>;

/** One engine: a session with a health check, and para watching it. */
class Ward {
  readonly world: World;
  readonly events: Event[] = [];
  repo = '';
  /** Without root on cgroup v1 nobody holds a container to its memory. */
  readonly hasLimits: boolean;
  /** What its death for want of memory is told as. */
  outOfMemory = 'it had used up its 64 MiB of memory';
  private watcher: Background | undefined;

  constructor(engine: ReturnType<typeof testEngines>[number]) {
    this.world = makeWorld(engine);
    this.hasLimits = engine.id !== 'rootless';
  }

  /** The runner offers itself to the kernel, which takes it before any of two that share the memory. */
  async useUpMemory(): Promise<void> {
    const hog =
      'echo 1000 >"/proc/$(cut -d" " -f2 /run/para/out/heartbeat)/oom_score_adj"; tail /dev/zero & exec tail /dev/zero';
    await this.world.para(this.repo, ['docker', 'exec', 's', '--', 'sh', '-c', hog]);
  }

  async setUp(): Promise<void> {
    this.repo = await this.world.repo();
    // podman before 5 does not say of what it died.
    if (/^podman version [1-4]\./.test(await this.world.engine('--version')))
      this.outOfMemory = 'it ended with exit code 137';
    const check = { command: 'test ! -e sick', interval_seconds: 1, timeout_seconds: 5, retries: 2 };
    await this.put('.para/docker.json', { health_check: check });
    await this.world.out(['sh', '-ec', 'git add .para/docker.json; git commit -qm check'], {
      cwd: this.repo,
    });
    await this.recovery(100);
    await this.para('start', 's', '--docker', '--image', testImages().busybox, '--memory', '64m');
    await this.para('docker', 'exec', 's', '--', 'sh', '-c', 'echo work >work; echo home >~/home');
  }

  async put(path: string, content: object): Promise<void> {
    const script = 'mkdir -p .para; cat >"$0"';
    await this.world.out(['sh', '-ec', script, path], { cwd: this.repo, input: JSON.stringify(content) });
  }

  recovery(max_restarts: number): Promise<void> {
    const auto_recovery = { max_restarts, window_seconds: 86_400, backoff: 0 };
    return this.put('.para/config.json', { docker: { auto_recovery } });
  }

  async para(...args: readonly string[]): Promise<string> {
    const ended = await this.world.para(this.repo, args);
    if (ended.code !== 0)
      throw new Error(`${args.join(' ')}: ${String(ended.code)}
${ended.stderr}`);
    return ended.stdout;
  }

  watch(): void {
    const args = ['docker', 'supervise', '--json', '--every', '1'];
    const watcher = inBackground(this.world, args, { cwd: this.repo });
    let rest = '';
    watcher.child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.events.push(...(JSON.parse(line) as { events: Event[] }).events);
    });
    this.watcher = watcher;
  }

  async stopWatching(): Promise<void> {
    this.watcher?.tell('SIGTERM');
    expect(await this.watcher?.ended).toMatchObject({ code: 143, stderr: '' });
    this.watcher = undefined;
  }

  /** With a watcher that a failed test has left. */
  async remove(): Promise<void> {
    this.watcher?.tell('SIGKILL');
    await this.watcher?.ended;
    await this.world.remove();
  }

  inside(file: string): string {
    return join(this.repo, '.para/state/docker/s/out', file);
  }

  get container(): string {
    return `para-${repoId(this.repo)}-s`;
  }

  /** Waits for what is said from now on. @returns seconds */
  async told(what: string, text: string, limit: number): Promise<number> {
    const begun = performance.now();
    const isIt = (event: Event): boolean => event.what === what && event.text.includes(text);
    for (;;) {
      const at = this.events.findIndex(isIt);
      const seconds = (performance.now() - begun) / 1000;
      if (at >= 0) {
        this.events.splice(0, at + 1);
        return seconds;
      }
      if (seconds > limit) throw new Error(`no ${what} (${text}): ${JSON.stringify(this.events)}`);
      await sleep(50);
    }
  }

  async tellRunner(signal: 'STOP' | 'CONT'): Promise<void> {
    const line = `kill -${signal} $(cut -d" " -f2 /run/para/out/heartbeat)`;
    await this.para('docker', 'exec', 's', '--', 'sh', '-c', line);
  }

  async row(): Promise<Record<string, unknown>> {
    const { sessions } = JSON.parse(await this.para('list', '--json')) as {
      sessions: Record<string, unknown>[];
    };
    return sessions[0] ?? {};
  }

  async requireWork(): Promise<void> {
    const said = await this.para('docker', 'exec', 's', '--', 'sh', '-c', 'cat work ~/home');
    expect(said).toBe('work\nhome\n');
  }
}

const wards = testEngines().map((engine) => new Ward(engine));
const onEach = (work: (ward: Ward) => Promise<void>): Promise<unknown> => Promise.all(wards.map(work));

beforeAll(() => onEach((ward) => ward.setUp()));
afterAll(() => onEach((ward) => ward.remove()));

/** Hurts it in a way, and heals the cause once it was restarted. @returns seconds */
async function recovers(
  ward: Ward,
  kind: keyof typeof LIMIT_S,
  { reason, hurt, heal }: { reason: string; hurt: () => Promise<unknown>; heal?: () => void },
): Promise<void> {
  const took: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    await hurt();
    took.push(await ward.told('restarted', reason, LIMIT_S[kind]));
    heal?.();
    await ward.told('health', 'healthy', 20);
    await ward.requireWork();
  }
  took.sort((a, b) => a - b);
  if (FULL)
    process.stderr.write(
      `${ward.world.env['PARA_ENGINE'] ?? ''} ${kind}: ${String(took.length)} of ${String(TIMES)}, median ${String(took[took.length >> 1])} s, most ${String(took.at(-1))} s\n`,
    );
}

test(
  'killed, not well, hung: restarted, and its work is as it was',
  () =>
    onEach(async (ward) => {
      ward.watch();
      await recovers(ward, 'killed', {
        reason: 'exit code 137',
        hurt: () => ward.world.engine('kill', ward.container),
      });
      if (ward.hasLimits)
        await recovers(ward, 'out of memory', {
          reason: ward.outOfMemory,
          hurt: () => ward.useUpMemory(),
        });
      const sick = join(ward.repo, '.para/worktrees/s/sick');
      await recovers(ward, 'unhealthy', {
        reason: 'its health check fail',
        hurt: () => writeFile(sick, ''),
        heal: () => {
          rmSync(sick);
        },
      });
      await recovers(ward, 'hung', {
        reason: 'its runner has been silent',
        hurt: () => hang(ward),
      });
      await ward.stopWatching();
    }),
  FULL ? 7_200_000 : 120_000,
);

async function hang(ward: Ward): Promise<void> {
  await ward.tellRunner('STOP');
  if (!FULL) letTimePass(ward);
}

/** As if the runner had been silent for a minute. */
function letTimePass(ward: Ward): void {
  const beat = readFileSync(ward.inside('heartbeat'), 'utf8').split(' ')[1] ?? '';
  writeFileSync(ward.inside('heartbeat'), `${String(Math.floor(uptime()) - 60)} ${beat}`);
  const then = Date.now() / 1000 - 60;
  for (const file of ['heartbeat', 'ready']) utimesSync(ward.inside(file), then, then);
}

/** Hurts it once more than it is restarted. @returns the reason that `list` has */
async function isGivenUp(ward: Ward, why: string, hurt: () => Promise<unknown>): Promise<string> {
  await hurt();
  await ward.told('given up', `given up: ${why}`, 30);
  const { given_up: over } = (await ward.row()) as { given_up: { reason: string } | null };
  expect(over?.reason).toContain(why);
  expect(over?.reason).toContain(', and it was restarted 2 times within 86400 s');
  return over?.reason ?? '';
}

test(
  'given up with the reason, whatever it is; well again by the engine alone it is watched again',
  () =>
    onEach(async (ward) => {
      await ward.recovery(2);
      ward.watch();
      const wake = async (): Promise<void> => {
        await ward.world.engine('start', ward.container);
        await ward.told('health', 'healthy', 20);
      };
      const sick = join(ward.repo, '.para/worktrees/s/sick');
      await isGivenUp(ward, 'its health check fail', () => writeFile(sick, ''));
      expect(await ward.row()).toMatchObject({ container: 'running', health: 'unhealthy' });
      rmSync(sick);
      await ward.told('health', 'healthy', 20);
      await isGivenUp(ward, 'its runner has been silent for more than 15 s', () => hang(ward));
      expect(await ward.row()).toMatchObject({ container: 'running', health: 'stale' });
      await ward.tellRunner('CONT');
      await ward.told('health', 'healthy', 20);
      if (ward.hasLimits) {
        const reason = await isGivenUp(ward, ward.outOfMemory, () => ward.useUpMemory());
        const isTold = ward.outOfMemory.includes('MiB');
        expect(reason.includes('para docker update s --memory 128m')).toBe(isTold);
        await wake();
      }
      await isGivenUp(ward, 'it ended with exit code 137', () => ward.world.engine('kill', ward.container));
      await ward.stopWatching();
    }),
  FULL ? 600_000 : 180_000,
);

test('what was given up is said by list; a start by hand begins anew', () =>
  onEach(async (ward) => {
    const reason = 'it ended with exit code 137, and it was restarted 2 times within 86400 s';
    expect(await ward.row()).toMatchObject({
      ...{ container: 'exited', health: 'dead', health_reason: 'it ended with exit code 137' },
      ...{ settle: 'para docker start s', given_up: { reason } },
    });
    const { stderr } = await ward.world.para(ward.repo, ['list']);
    expect(stderr).toContain(`s was given up: ${reason}`);
    expect(stderr).toContain('; to go on: para docker start s\n');
    await ward.para('docker', 'start', 's');
    expect(await ward.row()).toMatchObject({ container: 'running', given_up: null, settle: null });
    await ward.requireWork();
  }));

test('stopped on purpose, with para or with the engine: left alone', () =>
  onEach(async (ward) => {
    const once = async (): Promise<Event[]> =>
      (JSON.parse(await ward.para('docker', 'supervise', '--once', '--json')) as { events: Event[] }).events;
    await ward.para('docker', 'stop', 's', '--grace', '0');
    expect(await once()).toEqual([]);
    expect(await ward.row()).toMatchObject({ container: 'exited', health: null });
    await ward.para('docker', 'start', 's');
    await ward.world.engine('stop', '-t', '20', ward.container);
    expect(await once()).toEqual([]);
    expect(await ward.row()).toMatchObject({ container: 'exited', health: null, given_up: null });
  }));
