import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Conversation, started, WHICH } from '../support/conversation.ts';
import { ready, runPara, type EngineCall, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

describe.each(WHICH)('%s', (which) => {
  let repo: TempRepo;
  let talk: Conversation;
  let state: string;

  beforeEach(async () => {
    repo = tempRepo();
    talk = await started(repo, which);
    state = join(repo.root, '.para/state/docker/fix');
  });
  afterEach(() => {
    repo.remove();
  });
  const para = (line: string | readonly string[], container = 'running'): Promise<Ran> =>
    runPara(repo, ['docker', ...(typeof line === 'string' ? line.split(' ') : line)], {
      calls: [talk.status(container)],
    });
  /** As the runner would write it. */
  function ran(id: string, files: Readonly<Record<string, string>>): void {
    const job = join(state, 'out/queue', id);
    mkdirSync(job, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(job, name), text);
  }
  async function queued(): Promise<string> {
    const { stdout, code } = await para('exec -d fix -- npm test');
    expect(code).toBe(0);
    return stdout.trim();
  }

  test('exec --detach prints the id alone; the command is a file that the container sees', async () => {
    const flags = ['-d', '--timeout', '60', '--priority', '0', '-e', 'A=b c', '-w', '/tmp'];
    const { code, stdout, stderr } = await para(['exec', ...flags, 'fix', '--', 'sh', '-c', 'echo $A']);
    expect([code, stderr]).toEqual([0, '']);
    expect(readFileSync(join(state, `cmd/queue/0-000001-${stdout.trim()}.sh`), 'utf8')).toBe(
      "#timeout 60\ncd -- /tmp || exit 126\nexport A='b c'\nexec sh -c 'echo $A'\n",
    );
  });

  test('the container is stopped: it waits, and that is said', async () => {
    const { code, stderr } = await para('exec -d fix -- true', 'exited');
    expect(code).toBe(0);
    expect(stderr).toContain('the container of fix is not running; it runs this when it is started');
  });

  test('what the list can not hold is refused, and what waits is kept; an empty argument is one', async () => {
    const id = (await para(['exec', '-d', 'fix', '--', 'printf', '%s', ''])).stdout.trim();
    expect(await para(['exec', '-d', 'fix', '--', ''])).toMatchObject({
      ...{ code: 2, stdout: '' },
      stderr: expect.stringContaining('this can not be queued: command: expected some text') as unknown,
    });
    const many = await para(['exec', '-d', 'fix', '--', 'echo', ...Array<string>(1001).fill('x')]);
    expect(many).toMatchObject({ code: 2, stdout: '' });
    expect(many.stderr).toContain('this can not be queued: args: expected at most 1000, found 1001');
    expect(many.stderr).toContain('para docker exec --detach -- sh ./script.sh');
    expect((await para('queue list fix')).stdout).toMatch(new RegExp(`\n${id} +queued .* printf %s ''\n$`));
  });

  test('list, and the result', async () => {
    const id = await queued();
    expect((await para('queue list fix')).stdout).toMatch(new RegExp(`${id} +queued +5 +\\S+ +npm test`));
    expect(await para(`queue result ${id} fix`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`para docker queue wait ${id} fix`) as unknown,
    });
    ran(id, { stdout: 'out\n', stderr: 'err\n', exit: '3\n' });
    expect(await para(`queue result ${id} fix`)).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
    expect(await para(`queue wait ${id} fix`)).toMatchObject({ code: 3 });
    const { stdout } = await para(`queue result ${id} fix --json`);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ ok: true, state: 'done', exit_code: 3, limit: null, stdout: 'out\n', stderr: 'err\n', cut: false },
      command: { id, type: 'exec', command: 'npm', args: ['test'] },
    });
    expect(await para(`queue cancel ${id} fix`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has ended already (done)') as unknown,
    });
  });

  test('cancelled before it began', async () => {
    const id = await queued();
    expect(await para(`queue cancel ${id} fix`)).toMatchObject({
      code: 0,
      stdout: `${id} will not be run\n`,
    });
    expect((await para('queue list fix')).stdout).toMatch(new RegExp(`${id} +cancelled`));
  });

  test('a signal is for a command that runs, and is in the queue like one', async () => {
    const id = await queued();
    const tell = (): Promise<Ran> => para(`queue signal ${id} sighup fix`);
    expect(await tell()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(`has not begun yet[^]*para docker queue cancel ${id} fix`) as unknown,
    });
    ran(id, { started: '1\n' });
    expect(await tell()).toEqual({ code: 0, stdout: `${id} is sent HUP\n`, stderr: '' });
    const [file = ''] = readdirSync(join(state, 'cmd/queue')).filter((name) => name.endsWith('.signal'));
    expect(readFileSync(join(state, 'cmd/queue', file), 'utf8')).toBe(`HUP ${id}\n`);
    expect((await para('queue list fix')).stdout).toContain(`signal HUP ${id}`);
    ran(id, { exit: '0\n' });
    expect(await tell()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`the command ${id} has ended already (done)`) as unknown,
    });
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['too slow', { reason: 'timeout\n', exit: '143\n' }, 'took too long, and was ended'],
    ['interrupted', { started: '1\n' }, 'was interrupted: its container was stopped or killed'],
  ])('%s: 1, and why', async (_what, files, why) => {
    const id = await queued();
    ran(id, { ...files, stdout: 'so far\n' });
    const { code, stdout, stderr } = await para(`queue result ${id} fix`, 'exited');
    expect([code, stdout]).toEqual([1, 'so far\n']);
    expect(stderr).toContain(why);
  });

  test('its container died for want of memory: the limit, and what to raise', async () => {
    const id = await queued();
    ran(id, { started: '1\n', stdout: 'so far\n' });
    const { stdout: found = '', ...call } = talk.status('exited', 137);
    const died = { ...call, stdout: found.replace('"OOMKilled":false', '"OOMKilled":true') };
    const ask = (flag: string): Promise<Ran> =>
      runPara(repo, `docker queue result ${id} fix${flag}`, { calls: [died] });
    const { code, stdout, stderr } = await ask('');
    expect([code, stdout]).toEqual([137, 'so far\n']);
    expect(stderr).toContain('the container of fix was killed: it had used up its memory');
    expect(JSON.parse((await ask(' --json')).stdout)).toMatchObject({
      ...{ ok: true, state: 'interrupted', limit: { limit: 'memory', session: 'fix' } },
    });
    // Of one that was begun before its last start that is not known.
    ready(repo, 'fix')();
    const later = Date.now() / 1000 + 1;
    utimesSync(join(state, 'out/ready'), later, later);
    expect(await ask('')).toMatchObject({ code: 1 });
  });

  test('begun in a container that is paused: it runs', async () => {
    const id = await queued();
    ran(id, { started: '1\n' });
    expect((await para('queue list fix', 'paused')).stdout).toMatch(new RegExp(`${id} +running`));
  });

  test('a container that was made before there was a queue gets one', async () => {
    rmSync(join(state, 'cmd'), { recursive: true });
    const id = await queued();
    expect((await para('queue list fix')).stdout).toContain(id);
  });

  test.each([
    ['exec -d --timeout 0 fix -- x', '--timeout "0" is not a whole number from 1 to 31536000'],
    ['exec -d --priority 10 fix -- x', '--priority "10" is not a whole number from 0 to 9'],
    ['exec --timeout 5 fix -- x', '--timeout and --priority are for --detach'],
    ['queue result', 'no command was named'],
    ['queue signal x', 'no signal was named'],
    ['queue signal x 9 fix', '"9" is not a signal that can be sent'],
    ['queue signal x TERM fix more', 'one word too many: more'],
    ['queue list a b', 'one word too many: b'],
    ['queue look', 'look'],
  ])('para docker %s: 2', async (line, message) => {
    const { code, stderr } = await runPara(repo, `docker ${line}`);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  test('no such command: 1', async () => {
    const { code, stderr } = await para('queue result nope fix');
    expect(stderr).toContain('there is no command "nope" in the queue');
    expect(code).toBe(1);
  });

  // The same on all, and it takes its time.
  if (which !== 'docker') return;

  describe('waiting', () => {
    // As long as it takes until the engine is asked again.
    const wait = (id: string, calls: readonly EngineCall[]): Promise<Ran> =>
      runPara(repo, ['docker', 'queue', 'wait', id, 'fix'], { calls });

    test('the container dies: interrupted', async () => {
      const id = await queued();
      ran(id, { started: '1\n', stdout: 'so far\n' });
      const { code, stdout, stderr } = await wait(id, [talk.status('running'), talk.status('exited', 137)]);
      expect([code, stdout]).toEqual([1, 'so far\n']);
      expect(stderr).toContain('was interrupted: its container was stopped or killed');
    });

    test('for a container that is stopped: that is said once, and it waits', async () => {
      const id = await queued();
      const starts = {
        ...talk.status('running'),
        effect: () => ran(id, { exit: '4\n' }),
      };
      const { code, stderr } = await wait(id, [talk.status('exited'), starts]);
      expect(stderr).toBe(`▲ ${id} waits for the container of fix to be started: para docker start fix\n`);
      expect(code).toBe(4);
    });
  });
});
