/** The ssh agent is lent by --ssh-agent and by nothing else, and a container is made or started only when there is one. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { existsSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { docker } from '../../src/docker/drivers/docker.ts';
import { findSshAgent, requireLendable } from '../../src/sessions/ssh-agent.ts';
import { fixture } from '../docker/fixtures.ts';
import { Conversation, WHICH, type Wanted } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { detection, runPara, type EngineCall, type RunOptions } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
let servers: Server[];
beforeEach(() => {
  repo = tempRepo();
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  repo.remove();
});

/** An agent without keys; or another program, which answers this. */
async function agent(name: string, answer = Uint8Array.of(0, 0, 0, 5, 12, 0, 0, 0, 0)): Promise<string> {
  const path = join(repo.base, name);
  const server = createServer((socket) => {
    socket.on('data', (asked) => {
      socket.end(Buffer.from([0, 0, 0, 1, 11]).equals(asked) ? answer : 'no');
    });
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(path, listening));
  return path;
}
const run = (
  line: string,
  socket: string | undefined,
  options: RunOptions = {},
): ReturnType<typeof runPara> =>
  runPara(repo, line, { ...options, env: socket === undefined ? {} : { SSH_AUTH_SOCK: socket } });
const made = (talk: Conversation, wanted: Wanted): EngineCall[] => [
  ...[talk.imageThere(), talk.networkThere(), talk.create(wanted), talk.start()],
];
const link = (): string => join(repo.root, '.para/state/docker/fix/ssh-agent.sock');
const container = (): object =>
  (JSON.parse(readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8')) as { container: object })
    .container;

describe.each(WHICH)('%s', (which) => {
  test('it gets the socket alone, and after a new login the new one', async () => {
    const [first, second] = [await agent('first'), await agent('second')];
    const talk = new Conversation(repo, which);
    const calls = [...detection(which), ...made(talk, { sshAgent: true })];
    const start = await run(`start fix --ssh-agent --engine ${talk.engine}`, first, { calls });
    expect(start).toMatchObject({ code: 0, stdout: expect.stringContaining('with your ssh agent') });
    expect(container()).toMatchObject({ ssh_agent: true });
    expect(repo.run(['log', '-1', '--format=%B', 'refs/para/meta/fix'])).toContain('"ssh_agent":true');
    expect(readlinkSync(link())).toBe(first);
    const rows = [talk.list([{ name: talk.container, state: 'running' }], ['label=para.role=dev'])];
    const shown = await run('list', first, { calls: rows });
    expect(shown.stdout).toMatch(/^fix .* running +starting +ssh /m);
    const listed = await run('list --json', first, { calls: rows });
    expect(JSON.parse(listed.stdout)).toMatchObject({ sessions: [{ box: { ssh_agent: true } }] });
    expect(await run('docker start fix', second, { calls: [talk.wake()] })).toMatchObject({ code: 0 });
    expect(readlinkSync(link())).toBe(second);
    // Whoever has none at hand, such as a service, starts it with the one that it has.
    expect(await run('docker start fix', undefined, { calls: [talk.wake()] })).toMatchObject({ code: 0 });
    expect(readlinkSync(link())).toBe(second);
  });

  test('nothing of it is there for a session that was not given it, whatever its files say', async () => {
    const talk = new Conversation(repo, which);
    const calls = [...detection(which), ...made(talk, {})];
    const socket = await agent('first');
    expect(await run(`start fix --docker --engine ${talk.engine}`, socket, { calls })).toMatchObject({
      code: 0,
      stdout: expect.not.stringContaining('ssh'),
    });
    expect(container()).not.toHaveProperty('ssh_agent');
    expect(existsSync(link())).toBe(false);
  });
});

test('a container that was lent one is not started without, and says how to go on', async () => {
  const talk = new Conversation(repo);
  const socket = await agent('first');
  const calls = [...detection('docker'), ...made(talk, { sshAgent: true })];
  await run('start fix --ssh-agent --engine docker', socket, { calls });
  rmSync(socket);
  const { code, stderr } = await run('docker start fix', undefined);
  expect({ code, stderr }).toEqual({
    code: 7,
    stderr: expect.stringContaining(`there is no ssh agent to lend: there is nothing at "${socket}"`),
  });
  expect(stderr).toContain('eval "$(ssh-agent)" && ssh-add');
  expect(stderr).toContain('para docker stop fix --remove && para docker start fix');
});

test.each([
  ['no variable', () => Promise.resolve(undefined), 'SSH_AUTH_SOCK is not set'],
  ['nothing there', () => Promise.resolve(join(repo.base, 'x')), 'there is nothing at'],
  ['a relative path', () => Promise.resolve('x'), 'no absolute path'],
  ['a file', () => Promise.resolve(planted('file')), 'is no socket'],
  ['a link to a directory', () => Promise.resolve(planted('link')), 'is no socket'],
  [
    'an engine',
    () => agent('engine', Buffer.from('HTTP/1.1 400 Bad Request')),
    'nothing answers as an ssh agent',
  ],
])('%s: it says so before anything is made', async (_name, where, why) => {
  const before = footprint(repo);
  for (const line of ['start fix --ssh-agent', 'dispatch fix task --ssh-agent']) {
    const socket = await where();
    const { code, stderr } = await run(`${line} --engine docker`, socket, {
      calls: line.startsWith('start') ? detection('docker') : [],
    });
    expect({ code, stderr }).toEqual({ code: 7, stderr: expect.stringContaining(why) });
    await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))));
  }
  expect(footprint(repo)).toEqual(before);
});

function planted(kind: 'file' | 'link'): string {
  const path = join(repo.base, kind);
  rmSync(path, { force: true });
  if (kind === 'file') writeFileSync(path, '');
  else symlinkSync(repo.base, path);
  return path;
}

test("somebody else's is not lent", async () => {
  const socket = await agent('first');
  const find = (): Promise<string> =>
    findSshAgent({ env: { SSH_AUTH_SOCK: socket } }, { session: 'fix', stateDir: repo.base });
  expect(await find()).toBe(socket);
  const uid = jest.spyOn(process, 'getuid').mockReturnValue((process.getuid?.() ?? 0) + 1);
  await expect(find()).rejects.toMatchObject({
    code: 'MOUNT_REFUSED',
    message: expect.stringContaining('not yours'),
  });
  uid.mockRestore();
});

test.each([
  ['.para/docker.json', { ssh_agent: true }],
  ['.para/config.json', { docker: { ssh_agent: true } }],
])('%s can not ask for it', async (file, text) => {
  repo.write(file, JSON.stringify(text));
  repo.run(['add', '-A']);
  repo.run(['commit', '-qm', 'asks']);
  const { code, stderr } = await run('start fix --docker --engine docker', await agent('first'));
  expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringContaining('ssh_agent') });
});

describe('an engine that can not', () => {
  const can = docker.info().parse(fixture('docker-cli28-srv28', 'info.json'));
  const of = (more: object, endpoint = 'local') => ({ endpoint, capabilities: { ...can, ...more } });
  test.each([
    ['userns-remap', of({ usernsRemap: true })],
    ['SELinux', of({ selinux: true })],
    ['virtual machine', of({}, 'unix:///home/ann/.docker/desktop/docker.sock')],
  ])('%s', (why, engine) => {
    expect(() => {
      requireLendable(engine);
    }).toThrow(why);
  });
  test('every other one can', () => {
    expect(() => {
      requireLendable(of({}));
    }).not.toThrow();
  });
});
