import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { started, type Conversation } from '../support/conversation.ts';
import { OPERATION, runPara, type EngineCall, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

const update = (words: string, calls: readonly EngineCall[] = []): Promise<Ran> =>
  runPara(repo, `docker update ${words}`, { calls });
const madeWith = (): unknown => {
  const text = readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8');
  return (JSON.parse(text) as { container: { made_with: unknown } }).container.made_with;
};
const MEMORY = ['--memory', '134217728', '--memory-swap', '268435456'];

/** As a para leaves it that was killed before it had the engine's answer. */
function cutShort(): void {
  const file = join(repo.root, '.para/state/fix.state');
  const record = JSON.parse(readFileSync(file, 'utf8')) as object;
  const dead = { id: 'x', at: '2026-01-01T00:00:00Z', pid: 1, started: '1', boot: 'another' };
  const operation = { ...dead, kind: 'docker update', wish: { memory_bytes: 2 ** 27 } };
  writeFileSync(file, JSON.stringify({ ...record, operation }));
}

describe.each(['docker', 'podman'] as const)('%s', (which) => {
  test('one that was cut short is asked for once more by whatever comes next', async () => {
    const talk = await started(repo, which);
    cutShort();
    const calls = [talk.update(MEMORY), talk.inspectRunning({ Memory: 2 ** 27 })];
    const { code, stderr } = await runPara(repo, 'start other', { calls });
    expect(stderr).toContain('The docker update of fix, which was cut short, has come to its end');
    expect(code).toBe(0);
    expect(madeWith()).toMatchObject({ memory_bytes: 2 ** 27 });
  });

  test('it is taken back when the engine will not', async () => {
    const talk = await started(repo, which);
    cutShort();
    const calls = [talk.update(MEMORY), talk.inspectRunning()];
    const { stderr } = await runPara(repo, 'start other', { calls });
    expect(stderr).toContain('is taken back; the limits are as they were');
    expect(madeWith()).toMatchObject({ memory_bytes: 2 ** 32 });
    expect(readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8')).toContain('"operation": null');
  });

  test('changes what is asked for, looks whether it is so, and remembers it', async () => {
    const talk = await started(repo, which);
    const now = talk.inspectRunning({ Memory: 2 ** 27, NanoCpus: 0.5e9, PidsLimit: 64 });
    const flags = ['--pids-limit', '64', ...MEMORY.slice(0, 2), '--cpus', '0.5', ...MEMORY.slice(2)];
    const words = 'fix --memory 128m --cpus 0.5 --pids-limit 64';
    expect(await update(`${words} --json`, [talk.update(flags), now])).toMatchObject({ code: 0, stderr: '' });
    expect(madeWith()).toMatchObject({ memory_bytes: 2 ** 27, cpus: 0.5, pids: 64 });
    const again = await update(words, [talk.update(flags), now]);
    expect(again.stdout).toBe('The container of fix may use 128 MiB of memory, 0.5 CPUs, 64 processes\n');
  });

  test('an engine that says so and has not done it is not believed', async () => {
    const talk = await started(repo, which);
    const { code, stderr } = await update('fix --memory 128m', [talk.update(MEMORY), talk.inspectRunning()]);
    expect(stderr).toContain(
      `✗ ${which} says that the limits of ${talk.container} are changed, but they are`,
    );
    expect(code).toBe(1);
    expect(madeWith()).toMatchObject({ memory_bytes: 2 ** 32 });
  });

  test('less than it uses: how much that is', async () => {
    const talk = await started(repo, which);
    const stderr =
      which === 'docker'
        ? 'Error response from daemon: Cannot update container x: runc did not terminate successfully: exit status 1: unable to set memory limit to 134217728 (current usage: 200000000, peak usage: 44040192)\n: unknown\n'
        : 'time="2026-11-23T20:31:22Z" level=error msg="unable to set memory limit to 134217728 (current usage: 200000000, peak usage: 44257280)"\nError: `/usr/bin/runc update x` failed: exit status 1\n';
    const calls = [talk.update(MEMORY, { exitCode: 1, stderr })];
    const ran = await update('fix --memory 128m', calls);
    expect(ran.stderr).toContain(
      '✗ the container of fix can not have so little memory: it uses 191 MiB now\n',
    );
    expect(ran.code).toBe(7);
    expect(madeWith()).toMatchObject({ memory_bytes: 2 ** 32 });
  });

  test('the container is gone', async () => {
    const talk = await started(repo, which);
    const { exitCode, stderr } = talk.statusGone();
    const ran = await update('fix --memory 128m', [
      talk.update(MEMORY, { exitCode: exitCode ?? 1, stderr: stderr ?? '' }),
    ]);
    expect(ran.stderr).toContain('✗ the container of fix is gone\n');
    expect(ran.stderr).toContain('↳ para recover fix\n');
    expect(ran.code).toBe(7);
  });
});

test('podman 4.3 knows no --pids-limit: how to come by it all the same', async () => {
  const podman = await started(repo, 'podman');
  const stderr = "Error: unknown flag: --pids-limit\nSee 'podman update --help'\n";
  const calls = [podman.update(['--pids-limit', '64'], { exitCode: 125, stderr })];
  const ran = await update('fix --pids-limit 64', calls);
  expect(ran.stderr).toContain('✗ podman 4.3.1 can not change this of a container that is there\n');
  expect(ran.stderr).toContain('para config set docker.default_resource_limits.pids_limit 64\n');
  expect(ran.stderr).toContain('para docker stop fix --remove\n');
});

test('podman changes nothing of a container that is stopped', async () => {
  const podman = await started(repo, 'podman');
  const stderr =
    'time="x" level=error msg="container not running"\nError: `runc update x` failed: exit status 1\n';
  const calls = [podman.update(MEMORY, { exitCode: 125, stderr }), podman.status('exited')];
  const ran = await update('fix --memory 128m', calls);
  expect(ran.stderr).toContain('✗ podman 4.3.1 changes limits only of a container that runs (exited)\n');
  expect(ran.stderr).toContain('↳ para docker start fix\n');
});

test('an engine that enforces nothing is not asked', async () => {
  await started(repo, 'rootless');
  const { code, stderr } = await update('fix --memory 128m --cpus 1');
  expect(stderr).toContain(
    '✗ this engine does not enforce limits on memory, cpu: there is nothing to change',
  );
  expect(code).toBe(7);
});

test.each([
  ['fix', 'no limit was given'],
  ['fix --memory much', '"much" is not a size'],
  ['fix --pids-limit 0', '--pids-limit "0" is not a number of processes'],
  ['fix --cpus none', '--cpus "none" is not a number of CPUs'],
])('%s: usage', async (words, message) => {
  await started(repo, 'docker');
  const { code, stderr } = await update(words);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

test('a session without a container', async () => {
  expect((await runPara(repo, 'start plain')).code).toBe(0);
  const { code, stderr } = await update('plain --memory 1g');
  expect(stderr).toContain('✗ the session plain has no container\n');
  expect(code).toBe(7);
});

describe('the allow-list of a restricted session', () => {
  const state = (): string => join(repo.root, '.para/state');
  const rules = (): string => join(state(), 'docker/fix/proxy/rules.json');
  const read = (file: string): object => JSON.parse(readFileSync(file, 'utf8')) as object;
  const LISTEN = { schema: 1, listen: { address: '10.213.0.2', port: 3128 }, publish: [{ listen: 80 }] };

  /** A session as a restricted start leaves it. */
  async function restricted(): Promise<Conversation> {
    const talk = await started(repo, 'docker');
    const file = join(state(), 'fix.state');
    const record = read(file) as { container: object };
    const closed = { egress: 'e', allowed_domains: ['a.test', '*.b.test'] };
    writeFileSync(
      file,
      JSON.stringify({ ...record, container: { ...record.container, restricted: closed } }),
    );
    mkdirSync(join(state(), 'docker/fix/proxy'), { recursive: true });
    writeFileSync(rules(), JSON.stringify({ ...LISTEN, allow: closed.allowed_domains }));
    return talk;
  }
  function proxy(talk: Conversation, now = 'running'): EngineCall {
    const name = `${talk.container}--proxy`;
    const call = talk.status(now);
    const argv = [...call.argv.slice(0, -1), name] as unknown as EngineCall['argv'];
    return { argv, stdout: (call.stdout ?? '').replaceAll(talk.container, name) };
  }
  const said = (talk: Conversation, id = OPERATION): EngineCall => ({
    argv: ['docker', 'logs', '--tail', '500', '--', `${talk.container}--proxy`],
    stdout: `{"schema":1,"time":"x","event":"ready"}\n{"schema":1,"time":"x","event":"rules","allow":3,"id":"${id}"}\n`,
  });
  const listed = (): unknown =>
    (read(join(state(), 'fix.state')) as { container: { restricted: { allowed_domains: unknown } } })
      .container.restricted.allowed_domains;

  test('is changed in the record, in git, and in the proxy, which is asked whether it has it', async () => {
    const talk = await restricted();
    const words = 'fix --allow-domain C.test:8443 --allow-domain yarn --deny-domain a.test';
    const ran = await update(words, [proxy(talk), said(talk, 'another'), said(talk)]);
    const list = ['*.b.test', 'c.test:8443', 'registry.yarnpkg.com'];
    expect(ran).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: `The container of fix reaches these now:\n${list.map((entry) => `  ${entry}\n`).join('')}`,
    });
    expect(listed()).toEqual(list);
    expect(read(rules())).toEqual({ ...LISTEN, allow: list, id: OPERATION });
    expect(repo.run(['log', '-1', '--format=%B', 'refs/para/meta/fix'])).toContain(JSON.stringify(list));
    const none = await update('fix --deny-domain *.b.test --deny-domain c.test:8443 --deny-domain yarn', [
      proxy(talk, 'exited'),
    ]);
    expect(none.stdout).toBe('The container of fix reaches nothing now\n');
    expect(read(rules())).toMatchObject({ allow: [] });
  });

  test('one that was cut short comes to its end with whatever comes next', async () => {
    const talk = await restricted();
    const file = join(state(), 'fix.state');
    const dead = { id: 'x', at: '2026-01-01T00:00:00Z', pid: 1, started: '1', boot: 'another' };
    const operation = { ...dead, kind: 'docker update', wish: { allowed_domains: ['c.test'] } };
    writeFileSync(file, JSON.stringify({ ...read(file), operation }));
    const { code, stderr } = await runPara(repo, 'start other', { calls: [proxy(talk), said(talk)] });
    expect(stderr).toContain(
      'The docker update of fix, which was cut short, has come to its end; the allow-list is as it was asked for',
    );
    expect({ code, list: listed() }).toEqual({ code: 0, list: ['c.test'] });
    expect(read(rules())).toMatchObject({ allow: ['c.test'] });
  });

  test.each([
    ['fix --deny-domain x.b.test', 2, 'x.b.test would still be reached: another entry of the list covers it'],
    ['fix --allow-domain https://a.com', 2, '--allow-domain: expected a domain'],
    ['fix --deny-domain -x', 2, ''],
    ['fix --allow-domain c.test --memory 1g', 2, 'limits and domains are changed one after the other'],
    ['fix', 2, 'para docker update [session] --allow-domain example.com'],
  ])('%s: nothing is changed', async (words, expected, message) => {
    await restricted();
    const before = [read(join(state(), 'fix.state')), read(rules())];
    const { code, stderr } = await update(words);
    expect(stderr).toContain(message);
    expect(code).toBe(expected);
    expect([read(join(state(), 'fix.state')), read(rules())]).toEqual(before);
  });

  test('a network that is not restricted has none', async () => {
    await started(repo, 'docker');
    const { code, stderr } = await update('fix --allow-domain c.test');
    expect(stderr).toContain('the network of fix is not restricted: it has no allow-list');
    expect(stderr).toContain('para docker start fix --allow-domain c.test');
    expect(code).toBe(10);
  });
});
