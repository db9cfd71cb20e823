/** What is looked at before the container of a restricted session runs again: it is never started in a network that is open. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bridgeProgram } from '../../src/docker/bridge.ts';
import { started, WHICH, type Conversation } from '../support/conversation.ts';
import { runPara, type EngineCall } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

function settings(docker: object): void {
  const home = join(repo.env['HOME'] ?? '', '.config/para');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'config.json'), JSON.stringify({ docker }));
}

/** A session as a restricted start leaves it. */
async function restricted(which: (typeof WHICH)[number]): Promise<Conversation> {
  const talk = await started(repo, which);
  const file = join(repo.root, '.para/state/fix.state');
  const record = JSON.parse(readFileSync(file, 'utf8')) as { container: object };
  const closed = { network: talk.container, restricted: { egress: 'e', allowed_domains: [] } };
  writeFileSync(file, JSON.stringify({ ...record, container: { ...record.container, ...closed } }));
  return talk;
}

/** Of the closed network; `more` is what is otherwise than it should be. */
function network({ engine, container }: Conversation, more: object = {}): EngineCall {
  const docker = {
    ...{
      Name: container,
      Id: 'f'.repeat(64),
      Internal: true,
      IPAM: { Config: [{ Subnet: '10.213.0.0/28' }] },
    },
    Options: { 'com.docker.network.bridge.inhibit_ipv4': 'true' },
  };
  const podman = {
    ...{ name: container, internal: true, dns_enabled: false, network_interface: 'para-none7' },
    subnets: [{ subnet: '10.213.0.0/28' }],
  };
  const found = engine === 'docker' ? { ...docker, ...more } : { ...podman, ...more };
  return { argv: [engine, 'network', 'inspect', '--', container], stdout: JSON.stringify([found]) };
}

/** Of the container: in its network alone. */
function status(talk: Conversation, state: string): EngineCall {
  const call = talk.status(state);
  const [found] = JSON.parse(call.stdout ?? '') as [object];
  const NetworkSettings = { Networks: { [talk.container]: {} } };
  return { ...call, stdout: JSON.stringify([{ ...found, NetworkSettings }]) };
}

/** Starting its proxy. */
function proxy(talk: Conversation): readonly EngineCall[] {
  const name = `${talk.container}--proxy`;
  const look = talk.status('running');
  const argv = [...look.argv.slice(0, -1), name] as unknown as EngineCall['argv'];
  const there = { argv, stdout: (look.stdout ?? '').replaceAll(talk.container, name) };
  return [{ argv: [talk.engine, 'start', '--', name] }, there];
}

/** Rootless podman alone has its bridges in a namespace of its own; there is none of these names on this machine. */
const bridge = (stdout: string): EngineCall => ({
  argv: ['podman', 'unshare', '--rootless-netns', ...bridgeProgram('para-none7', 'shut')],
  stdout,
});

describe.each(WHICH)('%s', (which) => {
  const shut = which === 'rootless' ? [bridge('0\n1\n')] : [];

  test('docker start: after its proxy, and once its network is shut', async () => {
    const talk = await restricted(which);
    const calls = [...proxy(talk), network(talk), status(talk, 'exited'), ...shut, talk.wake()];
    expect(await runPara(repo, 'docker start fix', { calls })).toMatchObject({ code: 0, stderr: '' });
  });

  test('resume of a paused one: not before its network was looked at', async () => {
    const talk = await restricted(which);
    const unpause = { argv: [talk.engine, 'unpause', '--', talk.container] } as const;
    const calls = [status(talk, 'paused'), network(talk), status(talk, 'paused'), ...shut, unpause];
    const stderr = `Unpaused the container ${talk.container}\n`;
    expect(await runPara(repo, 'resume fix', { calls })).toMatchObject({ code: 0, stderr });
  });

  test('resume of a paused one whose network was opened: it stays paused', async () => {
    const talk = await restricted(which);
    const open = network(talk, which === 'docker' ? { Internal: false } : { internal: false });
    const ran = await runPara(repo, 'resume fix', { calls: [status(talk, 'paused'), open] });
    expect(ran).toMatchObject({ code: 7, stdout: '' });
    expect(ran.stderr).toContain('is not restricted as it should be');
  });
});

describe('the kernel takes all that comes out of the network', () => {
  const open = (talk: Conversation): readonly EngineCall[] => [
    ...[...proxy(talk), network(talk), status(talk, 'exited'), bridge('0\n0\n')],
  ];

  test('it is not started, and the command is told that shuts it', async () => {
    const talk = await restricted('rootless');
    const ran = await runPara(repo, 'docker start fix', { calls: open(talk) });
    expect(ran).toMatchObject({ code: 7, stdout: '' });
    expect(ran.stderr).toContain('this machine takes what it sends to any of its addresses');
    expect(ran.stderr).toContain(
      'podman unshare --rootless-netns sysctl -e -w net.ipv4.conf.default.rp_filter=1 net.ipv4.conf.para-none7.rp_filter=1',
    );
  });

  test('but where the user wants no test', async () => {
    settings({ network: { self_test: false } });
    const talk = await restricted('rootless');
    const calls = [...open(talk), talk.wake()];
    expect(await runPara(repo, 'docker start fix', { calls })).toMatchObject({ code: 0, stderr: '' });
  });
});
