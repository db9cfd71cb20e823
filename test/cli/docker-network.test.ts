import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { started, type Conversation, type Ending } from '../support/conversation.ts';
import { runPara, type EngineCall } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

const line = (facts: object) =>
  JSON.stringify({ schema: 1, time: '2026-01-02T03:04:05.678Z', method: 'CONNECT', ...facts });
const DENIED = { verdict: 'denied', host: 'evil.test', port: 443, reason: 'not on the allow-list' };
const LOG = [
  line({ event: 'ready' }),
  line({ verdict: 'allowed', host: 'registry.npmjs.org', port: 443, sent: 900, received: 20_480 }),
  line(DENIED),
  line({ ...DENIED, host: 'pypi.org', port: 8443 }),
  line(DENIED),
  '\u001b[2Jsomething else',
  line({ ...DENIED, host: 'self-test.para.invalid' }),
  line({ verdict: 'more', count: 12 }),
].join('\n');

describe.each(['docker', 'podman'] as const)('%s', (which) => {
  let repo: TempRepo;
  let talk: Conversation;

  beforeAll(async () => {
    repo = tempRepo();
    talk = await started(repo, which);
    const dir = join(repo.base, 'home/.config/para');
    mkdirSync(dir, { recursive: true });
    const network = { allowed_domains: ['npm'] };
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ docker: { network } }));
  });
  afterAll(() => {
    repo.remove();
  });

  const logs = (flags: readonly string[] = [], ending: Ending = { stdout: LOG }): EngineCall => ({
    argv: [talk.engine, 'logs', ...flags, '--tail', '50000', '--', `${talk.container}--proxy`],
    ...ending,
  });
  const run = (words: string, calls: readonly EngineCall[]) => runPara(repo, words, { calls });

  test('log: what was asked for, in one engine call', async () => {
    expect(await run('docker network log fix', [logs()])).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: [
        '2026-01-02 03:04:05  allowed  CONNECT registry.npmjs.org:443  900 B out, 20.0 KiB in',
        '2026-01-02 03:04:05  denied   CONNECT evil.test:443  not on the allow-list',
        '2026-01-02 03:04:05  denied   CONNECT pypi.org:8443  not on the allow-list',
        '2026-01-02 03:04:05  denied   CONNECT evil.test:443  not on the allow-list',
        '2026-01-02 03:04:05  and 12 more\n',
      ].join('\n'),
    });
  });

  test('log --denied --json: one document', async () => {
    const { stdout } = await run('docker network log fix --denied --json', [logs()]);
    const { entries } = JSON.parse(stdout) as { entries: { host: string; verdict: string }[] };
    expect(entries.map(({ host }) => host)).toEqual(['evil.test', 'pypi.org', 'evil.test', null]);
  });

  test('log --follow --json: one document a request', async () => {
    const { stdout, code } = await run('docker network log fix -f --json --denied', [logs(['-f'])]);
    const documents = stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as { entry: object });
    expect(documents.map(({ entry }) => entry)).toMatchObject([
      ...[{ host: 'evil.test' }, { host: 'pypi.org' }, { host: 'evil.test' }, { verdict: 'more', count: 12 }],
    ]);
    expect(code).toBe(0);
  });

  test('log of a proxy that was asked for nothing', async () => {
    const { stdout } = await run('docker network log fix', [logs([], { stdout: '' })]);
    expect(stdout).toBe('Nothing was asked for yet.\n');
  });

  test('learn: command lines, for the session as it runs and for others', async () => {
    const { stdout, stderr } = await run('docker network learn fix', [logs()]);
    expect(stderr).toContain('12 more were not told apart');
    expect(stdout).toMatch(/evil\.test +2 +-\n *pypi\.org:8443 +1 +-/);
    expect(stdout).toContain('--allow-domain evil.test --allow-domain pypi.org:8443\n');
    expect(stdout).toContain(
      'For fix itself, now:\n  para docker update fix --allow-domain evil.test --allow-domain pypi.org:8443\n',
    );
    const list = `'["npm","evil.test","pypi.org:8443"]'`;
    expect(stdout).toContain(`para config set docker.network.allowed_domains ${list}\n`);
  });

  test('learn --json, where nothing was refused', async () => {
    const { stdout } = await run('docker network learn fix --json', [logs([], { stdout: '' })]);
    expect(JSON.parse(stdout)).toEqual({
      ...{ schema: 1, ok: true, session: 'fix', refused: [], more: 0, flags: '', command: null },
    });
  });

  test.each(['log', 'log -f', 'learn'])(
    '%s without a proxy: its network is not restricted',
    async (action) => {
      const said = `Error${which === 'docker' ? ' response from daemon: No' : ': no'} such container`;
      const gone = { exitCode: which === 'docker' ? 1 : 125, stderr: `${said}: x--proxy\n` };
      const { code, stderr } = await run(`docker network ${action} fix`, [
        logs(action.endsWith('-f') ? ['-f'] : [], gone),
      ]);
      expect(stderr).toContain('fix has no proxy: its network is not restricted');
      expect(stderr).toContain('--allow-domain example.com');
      expect(code).toBe(7);
    },
  );

  test.each([
    ['docker network learn fix -f', 2, /for the log/],
    ['docker network drop fix', 2, /log or learn/],
    ['docker network log nope', 3, /there is no session nope/],
  ])('%s: %d', async (words, expected, message) => {
    const { code, stderr } = await run(words, []);
    expect(stderr).toMatch(message);
    expect(code).toBe(expected);
  });
});
