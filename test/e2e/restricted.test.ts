/** A restricted session through its whole life: what its container reaches, what is published, what is left of it. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { openBridges } from '../support/firewall.ts';
import { makeWorld, repoId, words, type Ended, type World } from '../support/para.ts';

interface Row {
  readonly name: string;
  readonly status: string;
  readonly container: string | null;
  readonly settle: string | null;
}

/** This node, and what it is linked with, as an image has it. */
const NODE_TAR = `node=$(readlink -f "$2")
tar -chPf "$1" --transform "s,^$node$,/usr/local/bin/node," "$node" $(ldd "$node" | grep -o '/[^ ]*' | sort -u)`;

/** Answers each connection with a line of its own. */
const SERVE = 'while :; do echo "hello from the box" | nc -l -p 8080; done';

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  let box: string;
  let closeBridges: () => void;
  const para = async (...args: string[]): Promise<Ended> => {
    const ended = await world.para(repo, args);
    if (ended.code !== 0) throw new Error(`para ${args.join(' ')}: ${String(ended.code)}\n${ended.stderr}`);
    return ended;
  };
  const inside = (script: string): Promise<Ended> =>
    world.para(repo, ['docker', 'exec', 's', '--', 'sh', '-c', script]);
  const asked = (request: string): Promise<Ended> => inside(`printf '${request}' | nc -w 5 para-proxy 3128`);
  const rows = async (): Promise<readonly Row[]> =>
    (JSON.parse((await para('list', '--json')).stdout) as { sessions: Row[] }).sessions;
  const ofRepo = ['--filter', `label=para.repo=`];
  const left = async (): Promise<readonly string[]> => {
    const filter = [ofRepo[0] ?? '', `${ofRepo[1] ?? ''}${repoId(repo)}`];
    return [
      ...words(await world.engine('ps', '-a', ...filter, '--format', '{{.Names}}')),
      ...words(await world.engine('network', 'ls', ...filter, '--format', '{{.Name}}')),
    ];
  };
  const published = async (): Promise<number> => {
    const port = (await world.engine('port', `${box}--proxy`, '8080')).split(':').at(-1);
    return Number(port);
  };
  const START = ['start', 's', '--docker', '--image', testImages().busybox, '--port', '8080'];

  beforeAll(async () => {
    closeBridges = openBridges(engine, '10.213.0.0/16');
    world = makeWorld(engine);
    repo = await world.repo();
    box = `para-${repoId(repo)}-s`;
    await para(...START, '--allow-domain', 'allowed.test');
  }, 60_000);
  afterAll(async () => {
    closeBridges();
    await world.remove();
  });

  test('it has one network alone, which is closed, and its proxy in it', async () => {
    const { stdout } = await inside('ip -4 -o addr show; cat /etc/hosts; env');
    const addresses = stdout.match(/inet 10\.213\.\d+\.\d+\/28/g) ?? [];
    expect(addresses).toHaveLength(1);
    expect(stdout.match(/\binet /g)).toHaveLength(2);
    const [, proxy] = /^(10\.213\.\d+\.\d+)\s+para-proxy\b/m.exec(stdout) ?? [];
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'])
      expect(stdout).toContain(`${name}=http://${String(proxy)}:3128\n`);
    expect(stdout).toContain('NODE_USE_ENV_PROXY=1\n');
  });

  test('the proxy refuses what is not allowed, and nothing else listens', async () => {
    const refused = await asked('CONNECT evil.test:443 HTTP/1.1\\r\\nHost: evil.test:443\\r\\n\\r\\n');
    expect(refused.stdout).toMatch(/^HTTP\/1\.1 403 /);
    const own = await asked('GET http://para-proxy:8080/ HTTP/1.1\\r\\nHost: para-proxy:8080\\r\\n\\r\\n');
    expect(own.stdout).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('what it publishes is reached on this machine, and is shown as its own', async () => {
    const serving = inside(SERVE);
    const port = await published();
    expect(await said(port)).toBe('hello from the box\n');
    // Allowed, there is no such host: what is not allowed is not even looked up.
    const verdict = async (): Promise<string> =>
      (await asked('CONNECT later.test:443 HTTP/1.1\\r\\nHost: later.test:443\\r\\n\\r\\n')).stdout.slice(
        9,
        12,
      );
    expect(await verdict()).toBe('403');
    await para('docker', 'update', 's', '--allow-domain', 'later.test');
    expect(await verdict()).toBe('502');
    expect(await said(port)).toBe('hello from the box\n');
    const { ok } = JSON.parse((await para('doctor', '--session', 's', '--json')).stdout) as { ok: boolean };
    expect(ok).toBe(true);
    await para('docker', 'update', 's', '--deny-domain', 'later.test', '--allow-domain', 'kept.test');
    expect(await verdict()).toBe('403');
    expect(await published()).toBe(port);
    const { containers } = JSON.parse((await para('docker', 'list', '--json')).stdout) as {
      containers: { name: string; session: string; ports: string[] }[];
    };
    expect(containers).toMatchObject([
      { name: box, session: 's', ports: [`127.0.0.1:${String(port)}->8080/tcp`] },
    ]);
    await para('docker', 'stop', 's');
    await serving;
  });

  test('stopped, neither runs; started, both do, and it is closed again', async () => {
    const running = (): Promise<string> =>
      world.engine('ps', '--filter', `label=para.repo=${repoId(repo)}`, '--format', '{{.Names}}');
    expect(words(await running())).toEqual([]);
    await para('docker', 'start', 's');
    expect(words(await running()).toSorted()).toEqual([box, `${box}--proxy`]);
    expect(await rows()).toMatchObject([{ container: 'running', settle: null }]);
  });

  test('a proxy that is gone is told, and made again where it was', async () => {
    const address = async (): Promise<string> => (await inside('grep para-proxy /etc/hosts')).stdout;
    const before = await address();
    await world.engine('rm', '-f', `${box}--proxy`);
    expect(await rows()).toMatchObject([{ container: 'proxy missing', settle: 'para recover s' }]);
    await para('recover', 's');
    expect(await rows()).toMatchObject([{ container: 'running', settle: null }]);
    expect(await address()).toBe(before);
    const rules = await world.out(['cat', join(repo, '.para/state/docker/s/proxy/rules.json')]);
    expect(JSON.parse(rules)).toMatchObject({ allow: ['allowed.test', 'kept.test'] });
    expect((await inside('nc -w 5 para-proxy 3128 </dev/null; echo $?')).stdout).toBe('0\n');
  });

  test('one that was connected to another network by hand is not started', async () => {
    await para('docker', 'stop', 's');
    await world.engine('network', 'connect', `para-network-${repoId(repo)}`, box);
    const ended = await world.para(repo, ['docker', 'start', 's']);
    expect(ended).toMatchObject({ code: 7 });
    expect(ended.stderr).toMatch(/is not restricted as it should be: it is in the network para-network-/);
    expect(await world.engine('inspect', '--format', '{{.State.Running}}', box)).toBe('false');
    await world.engine('network', 'disconnect', `para-network-${repoId(repo)}`, box);
    await para('docker', 'start', 's');
  });

  test('finished, nothing of it is left', async () => {
    expect(await left()).toHaveLength(4);
    await para('finish', 'Done', 's');
    expect(await left()).toEqual([]);
  });

  test('its proxy can be made of an image of the user: one that has node', async () => {
    const image = 'localhost/para-test/node-of-mine:1';
    const file = join(world.dir, 'tmp/node.tar');
    await world.out(['sh', '-ec', NODE_TAR, 'sh', file, process.execPath]);
    await world.engine('import', file, image);
    const args = ['start', 'u', ...START.slice(2), '--allow-domain', 'allowed.test'];
    await para('config', 'set', 'docker.network.proxy_image', testImages().busybox);
    const without = await world.para(repo, args);
    expect(without.stderr).toContain(
      `docker.network.proxy_image names ${testImages().busybox}: it must have a node`,
    );
    expect(without.code).not.toBe(0);
    expect(await left()).toEqual([]);
    await para('config', 'set', 'docker.network.proxy_image', image);
    await para(...args);
    const made = await world.engine(
      'inspect',
      '--format',
      '{{.Config.Image}} {{.Path}}',
      `para-${repoId(repo)}-u--proxy`,
    );
    expect(made).toContain(image);
    await para('finish', 'Done', 'u');
    await para('config', 'unset', 'docker.network.proxy_image');
    await world.engine('rmi', image);
  });

  test('a start whose network is not closed is undone, and says so', async () => {
    // A network of that name which lets out: as an engine would make it that does not know the flags.
    const name = `para-${repoId(repo)}-t`;
    const labels = [`para.repo=${repoId(repo)}`, 'para.session=t'].flatMap((label) => ['--label', label]);
    await world.engine('network', 'create', ...labels, name);
    const shim = join(world.dir, 'home', 'bin');
    await world.out(['mkdir', '-p', shim]);
    const real = await world.out(['sh', '-c', `command -v ${engine.engine}`]);
    // Says that it has made it closed.
    const script = `#!/bin/sh
case "$*" in *--internal*) exit 0 ;; esac
exec ${real} "$@"
`;
    const file = join(shim, engine.engine);
    await world.out(['sh', '-c', `cat >'${file}'; chmod 755 '${file}'`], { input: script });
    const args = ['start', 't', ...START.slice(2, 5), '--allow-domain', 'allowed.test'];
    const env = { PATH: `${shim}:${String(process.env['PATH'])}` };
    const ended = await world.para(repo, args, { env });
    expect(ended.stderr).toMatch(/is not restricted as it should be: its network \S+ is not closed/);
    expect(ended).toMatchObject({ code: 7 });
    expect((await rows()).filter((row) => row.name === 't')).toEqual([]);
    expect((await left()).filter((thing) => thing.includes('-t'))).toEqual([]);
  });
});

/** All that somebody who connects is told; asked again while nobody listens yet. */
async function said(port: number): Promise<string> {
  for (let tries = 0; tries < 50; tries += 1) {
    const text = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      let heard = '';
      socket.on('data', (chunk) => (heard += chunk.toString()));
      socket.on('error', () => {
        resolve('');
      });
      socket.on('close', () => {
        resolve(heard);
      });
    });
    if (text !== '') return text;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return '';
}
