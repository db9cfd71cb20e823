import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { proxyImage } from '../../src/docker/proxy-image.ts';
import type { Conversation } from '../support/conversation.ts';
import { ID, started } from '../support/conversation.ts';
import { gitInside } from '../support/inside.ts';
import { repoId, runPara, type EngineCall, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

interface Seen {
  readonly name: string;
  readonly repo: string;
  readonly session: string;
  readonly workspace?: string;
  readonly role?: string;
}

describe.each(['docker', 'podman'] as const)('%s', (engine) => {
  let repo: TempRepo;
  let talk: Conversation;
  let id: string;

  beforeEach(async () => {
    repo = tempRepo();
    id = repoId(repo);
    talk = await started(repo, engine);
  });
  afterEach(() => {
    repo.remove();
  });

  const filters = (all: boolean): string[] => ['--filter', all ? 'label=para.repo' : `label=para.repo=${id}`];
  const role = (name: string): string[] => ['--filter', `label=para.role=${name}`];
  const lines = (rows: readonly object[]): string =>
    engine === 'docker' ? rows.map((row) => `${JSON.stringify(row)}\n`).join('') : JSON.stringify(rows);
  const format = engine === 'docker' ? '{{json .}}' : 'json';
  /** The calls that tell what there is. */
  const look = (
    containers: readonly Seen[],
    networks: readonly { name: string; repo: string }[],
    { all = false, images = [] }: { all?: boolean; images?: readonly string[] } = {},
  ): EngineCall[] => {
    const row = ({ name }: Seen): object =>
      engine === 'docker'
        ? { ID, Names: name, Image: 'x', State: 'exited', Status: '', Ports: '' }
        : { Id: ID, Names: [name], Image: 'x', State: 'exited', Status: '', Ports: null };
    const inspected = containers.map((seen) => ({
      ...{ Id: ID, Name: seen.name, Created: '', RestartCount: 0, HostConfig: {}, NetworkSettings: {} },
      State: { Status: 'exited', ExitCode: 0 },
      Config: {
        Image: 'x',
        Labels: { 'para.repo': seen.repo, 'para.session': seen.session, 'para.role': seen.role ?? 'dev' },
      },
      Mounts: [{ Type: 'bind', Source: seen.workspace ?? '/nowhere', Destination: '/workspace', RW: true }],
    }));
    const names = containers.map(({ name }) => name);
    const network = (one: { name: string; repo: string }): object =>
      engine === 'docker'
        ? { Name: one.name, Labels: `para.schema=1,para.repo=${one.repo},para.role=network` }
        : { name: one.name, labels: { 'para.repo': one.repo, 'para.role': 'network' } };
    const inspect: EngineCall = {
      argv: [engine, 'inspect', '--type', 'container', '--', ...names],
      stdout: JSON.stringify(inspected),
    };
    return [
      {
        argv: [engine, 'ps', '-a', '--no-trunc', ...filters(all), '--format', format],
        stdout: lines(containers.map(row)),
      },
      ...(names.length === 0 ? [] : [inspect]),
      {
        argv: [engine, 'network', 'ls', ...filters(all), ...role('network'), '--format', format],
        stdout: lines(networks.map(network)),
      },
      {
        argv: [
          engine,
          ...['images', '--filter', 'label=para.schema=1', ...role('proxy-image'), '--format', format],
        ],
        stdout: lines(
          images.map((name) =>
            engine === 'docker'
              ? { Repository: name.replace(/:\w+$/, ''), Tag: name.replace(/^.*:/, '') }
              : { Names: [name] },
          ),
        ),
      },
    ];
  };
  const remove = (name: string): EngineCall => ({
    argv: [engine, 'rm', '-f', ...(engine === 'docker' ? [] : ['-t', '0']), '--', name],
    proof: {
      argv: [engine, 'inspect', '--type', 'container', '--', name],
      exitCode: 1,
      ...{ stdout: '[]\n', stderr: `Error: no such container ${name}\n` },
    },
  });
  const cleanup = (flags: string, calls: readonly EngineCall[]): Promise<Ran> =>
    runPara(repo, `docker cleanup --engine ${engine}${flags}`, { calls });
  const fix = (): Seen => ({ name: talk.container, repo: id, session: 'fix', workspace: talk.worktree });
  const lost = (): Seen => ({ name: `para-${id}-lost`, repo: id, session: 'lost' });
  const network = (): { name: string; repo: string } => ({ name: talk.network, repo: id });
  const forget = (): void => {
    rmSync(join(repo.root, '.para/state/fix.state'));
  };

  test('what a session has stays, and there is nothing to do', async () => {
    expect(await cleanup('', look([fix()], [network()]))).toEqual({
      ...{ code: 0, stdout: 'Nothing to clean up.\n', stderr: '' },
    });
  });

  test('a container without a session goes; --dry-run says so and does nothing', async () => {
    const seen = look([fix(), lost()], [network()]);
    const dry = await cleanup(' --dry-run', seen);
    const line = `the container para-${id}-lost: no session has it\n`;
    expect(dry).toEqual({ code: 0, stdout: `Would remove ${line}`, stderr: '' });
    const ran = await cleanup('', [...seen, remove(`para-${id}-lost`)]);
    expect(ran).toMatchObject({ code: 0, stdout: `Removed ${line}` });
  });

  test('what stands beside a session that is gone goes too, and the image that no proxy is made of', async () => {
    const [used, unused] = ['localhost/para-proxy:aaaa', 'localhost/para-proxy:bbbb'];
    const beside = (role: string): Seen => ({ ...lost(), name: `para-${id}-lost--${role}`, role });
    const { image: current } = await proxyImage();
    const images = [used, unused, current];
    const seen = look([fix(), beside('proxy'), beside('check')], [], { images });
    const proxies: EngineCall = {
      argv: [engine, 'ps', '-a', '--no-trunc', ...role('proxy'), '--format', format],
      stdout: lines([
        engine === 'docker'
          ? { ID, Names: 'para-other-s--proxy', Image: used, State: 'running', Status: '', Ports: '' }
          : {
              Id: ID,
              Names: ['para-other-s--proxy'],
              Image: used,
              State: 'running',
              Status: '',
              Ports: null,
            },
      ]),
    };
    const calls: EngineCall[] = [
      ...[...seen, proxies, remove(`para-${id}-lost--proxy`), remove(`para-${id}-lost--check`)],
      { argv: [engine, 'rmi', unused] },
    ];
    const { code, stdout } = await cleanup('', calls);
    expect(stdout).toBe(
      [
        ...['proxy', 'check'].map(
          (role) => `Removed the container para-${id}-lost--${role}: no session has it`,
        ),
        `Removed the image ${unused}: no proxy is made of it\n`,
      ].join('\n'),
    );
    expect(code).toBe(0);
  });

  test('the network goes with the last; --json', async () => {
    rmSync(join(repo.root, '.para/state/docker/fix'), { recursive: true });
    repo.run(['worktree', 'remove', '--force', talk.worktree]);
    forget();
    const calls = [...look([fix()], [network()]), remove(talk.container), talk.networkRemove()];
    const { code, stdout } = await cleanup(' --json', calls);
    expect(code).toBe(0);
    const facts = { engine, why: 'no session has it' };
    expect(JSON.parse(stdout)).toEqual({
      ...{ schema: 1, ok: true, dry_run: false, kept: [] },
      orphans: [
        { kind: 'container', name: talk.container, session: 'fix', ...facts },
        { kind: 'network', name: talk.network, session: null, ...facts },
      ],
    });
  });

  test.each<[string, () => void]>([
    ['its worktree holds uncommitted work', () => writeFileSync(join(talk.worktree, 'x'), 'x')],
    [
      'its git directory holds commits that were not brought back',
      () => gitInside(repo, 'fix', 'commit', '-q', '--allow-empty', '-m', 'inside'),
    ],
    ['its worktree holds files', () => rmSync(join(repo.root, '.git/worktrees'), { recursive: true })],
  ])('never when %s: 10, and how to go on', async (why, make) => {
    make();
    forget();
    const ran = await cleanup('', look([fix()], [network()]));
    expect(ran.stdout).toBe(`Kept the container ${talk.container}: ${why}\n  para recover fix\n`);
    expect(ran.code).toBe(10);
    expect((await cleanup(' -f', look([fix()], [network()]))).code).toBe(10);
  });

  test('never when the record can not be read', async () => {
    const record = join(repo.root, '.para/state/fix.state');
    writeFileSync(record, 'nonsense');
    // The record before it would do.
    rmSync(`${record}.prev`);
    const ran = await cleanup('', look([fix()], [network()]));
    expect(ran.stdout).toContain('the record of its session can not be read');
    expect(ran.code).toBe(10);
  });

  test('--all-repos: only of repositories that are gone, and only with -f', async () => {
    const there = join(repo.base, 'other');
    mkdirSync(join(there, '.git'), { recursive: true });
    const other = (name: string, root: string): Seen => ({
      ...{ name, repo: name, session: 's', workspace: `${root}/.para/worktrees/s` },
    });
    const warm = 'warm--01234567';
    const ready = (name: string, root: string): Seen => ({
      ...{ name, repo: name, session: warm, workspace: `${root}/.para/state/warm/${warm}/tree` },
    });
    const gone = join(repo.base, 'gone');
    const seen = look(
      [
        fix(),
        other('aaaaaaaa', gone),
        ready('dddddddd', gone),
        ready('eeeeeeee', there),
        other('bbbbbbbb', there),
      ],
      ['aaaaaaaa', 'bbbbbbbb', 'cccccccc'].map((name) => ({ name: `net-${name}`, repo: name })),
      { all: true },
    );
    const dry = await cleanup(' --all-repos', seen);
    expect(dry.stdout).toBe(
      `Would remove the container aaaaaaaa: its repository ${repo.base}/gone is gone\nWould remove the container dddddddd: its repository ${repo.base}/gone is gone\nWould remove the network net-aaaaaaaa: its repository is gone\n`,
    );
    expect(dry).toMatchObject({ code: 0, stderr: 'To remove them: para docker cleanup --all-repos -f\n' });
    const calls = [
      ...[...seen, remove('aaaaaaaa'), remove('dddddddd')],
      { argv: [engine, 'network', 'rm', '--', 'net-aaaaaaaa'] } satisfies EngineCall,
    ];
    expect(await cleanup(' --all-repos -f', calls)).toMatchObject({ code: 0 });
  });

  test('a removal that fails is said', async () => {
    const failing = { ...remove(`para-${id}-lost`), exitCode: 1, stderr: 'Error: no\n' };
    expect(await cleanup('', [...look([lost(), fix()], []), failing])).toMatchObject({ code: 1, stdout: '' });
  });
});
