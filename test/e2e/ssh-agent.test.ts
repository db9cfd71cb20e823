/** A real ssh agent on real engines: what runs inside can use its keys when it was lent, and knows nothing of it else. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, repoId, type World } from '../support/para.ts';

/** `ssh-add -l` in few words; the image has perl, and no client of ssh. */
const KEYS = `use IO::Socket::UNIX;
my $s = IO::Socket::UNIX->new($ENV{SSH_AUTH_SOCK}) or die "none: $!\\n";
print $s pack('NC', 1, 11); $s->flush;
read $s, my $head, 9; my ($size, $type, $keys) = unpack 'NCN', $head;
read $s, my $rest, $size - 5; my ($blob, $name) = unpack 'N/a*N/a*', $rest;
print "$type $keys $name";`;
const START = ['start', 's', '--image', testImages().base];

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  const agents: number[] = [];
  const at = (name: string): string => join(world.dir, 'tmp', name);
  const container = (session = 's'): string => `para-${repoId(repo)}-${session}`;

  /** A new agent of the engine's user, with one key. */
  async function agent(name: string): Promise<string> {
    const started = await world.out(['ssh-agent', '-s', '-a', at(name)]);
    agents.push(Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1]));
    await world.out([
      'ssh-keygen',
      '-q',
      '-t',
      'ed25519',
      '-N',
      '',
      '-C',
      `key of ${name}`,
      '-f',
      at(`${name}.key`),
    ]);
    await world.out(['ssh-add', '-q', at(`${name}.key`)], { env: { SSH_AUTH_SOCK: at(name) } });
    return at(name);
  }
  async function para(socket: string, ...args: readonly string[]): Promise<string> {
    const ended = await world.para(repo, args, { env: { SSH_AUTH_SOCK: socket } });
    expect({ args, code: ended.code, stderr: ended.code === 0 ? '' : ended.stderr }).toEqual({
      ...{ args, code: 0, stderr: '' },
    });
    return ended.stdout;
  }
  const inside = (session: string, ...command: readonly string[]): Promise<string> =>
    para('', 'docker', 'exec', session, '--', ...command);
  const keys = (): Promise<string> => inside('s', 'perl', '-e', KEYS);

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
  });
  afterAll(async () => {
    for (const pid of agents.filter((pid) => pid > 0)) end(pid);
    await world.remove();
  });

  test('its keys can be used, also after a new login and in a container that is made again', async () => {
    await para(await agent('one'), ...START, '--ssh-agent');
    expect(await keys()).toBe('12 1 key of one');
    // The agent lets nobody else in by what is done inside, and nothing beside its socket is there.
    const looked = await inside(
      's',
      'sh',
      '-c',
      'chmod 777 $SSH_AUTH_SOCK 2>&1; ls /run/para; echo $SSH_AUTH_SOCK',
    );
    expect(looked).toContain(
      'Read-only file system\ncmd\nlogs\nout\nssh-agent.sock\n/run/para/ssh-agent.sock',
    );
    await para('', 'docker', 'stop', 's', '--grace', '1');
    end(agents.shift() ?? 0);
    rmSync(at('one'), { force: true });
    const without = await world.para(repo, ['docker', 'start', 's'], { env: { SSH_AUTH_SOCK: '' } });
    expect(without).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('there is no ssh agent to lend'),
    });
    await para(await agent('two'), 'docker', 'start', 's');
    expect(await keys()).toBe('12 1 key of two');
    await world.engine('rm', '-f', container());
    await para(at('two'), 'recover', 's');
    expect(await keys()).toBe('12 1 key of two');
  });

  test('a session that was not given it has neither socket nor variable', async () => {
    await para(at('two'), ...START.with(1, 't'), '--network', 'none');
    const found = 'env | grep -c SSH_ || :; ls /run/para; find / -xdev -type s 2>/dev/null; :';
    expect(await inside('t', 'sh', '-c', found)).toBe('0\ncmd\nlogs\nout\n');
    expect(await world.engine('inspect', container('t'))).not.toMatch(/SSH_AUTH_SOCK|ssh-agent/);
  });
});

function end(pid: number): void {
  execFileSync('sh', ['-c', 'kill "$0" 2>/dev/null || :', String(pid)]);
}
