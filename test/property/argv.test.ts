import { afterAll, expect } from '@jest/globals';
import fc from 'fast-check';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkConfig } from '../../src/config/check.ts';
import { DEFAULTS, type Config } from '../../src/config/defaults.ts';
import type { DockerFile } from '../../src/config/generated/types.ts';
import { parseSessionDocker } from '../../src/config/load.ts';
import { docker } from '../../src/docker/drivers/docker.ts';
import { podman } from '../../src/docker/drivers/podman.ts';
import type { Capabilities, ContainerSpec } from '../../src/docker/driver.ts';
import type { DockerService } from '../../src/docker/service.ts';
import { resolveSpec, type ContainerWish } from '../../src/docker/spec.ts';
import { ParaError } from '../../src/errors.ts';
import { planContainer, type ContainerFlags } from '../../src/sessions/container-plan.ts';
import { proxySpec } from '../../src/sessions/proxy-spec.ts';
import { placesOf } from '../../src/sessions/store.ts';
import { fuzz } from './fuzz.ts';
import { nastyText } from './inputs.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'para-fuzz-argv-')));
const root = join(base, 'repo');
/** Directories whose names say something to whoever splits a line. */
const ODD = [
  'a',
  '--privileged',
  'x,readonly',
  'q"uo,te"',
  'new\nline',
  'co:lon',
  '-v',
  'sp ace',
  "ap'os",
  '$HOME',
];
for (const name of ODD) mkdirSync(join(base, 'data', name), { recursive: true });
mkdirSync(join(root, '.git'), { recursive: true });
afterAll(() => {
  rmSync(base, { recursive: true });
});

const pathName = fc.constantFrom(...ODD.filter((name) => !name.includes('$')));
/** Mostly what is taken, so that most of it comes as far as the line. */
function mostly<T>(good: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: other });
}
const printable = nastyText.filter((text) => !text.includes('\0') && !/\p{Cs}/u.test(text));
const target = printable.map((text) => `/t/${text}`);
const dockerJson = fc.record(
  {
    image: mostly(fc.constantFrom('node:22', `host:5000/a/b@sha256:${'a'.repeat(64)}`), nastyText),
    environment: fc.dictionary(
      mostly(fc.constantFrom('A', '_b', 'HOME', 'TERM'), fc.oneof(fc.constant('PATH'), nastyText)),
      printable,
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
    volumes: fc.array(
      fc.record({
        source: pathName.map((name) => join(base, 'data', name)),
        target,
        read_only: fc.boolean(),
      }),
      { maxLength: 2 },
    ),
    ports: fc.array(
      fc.record({
        host_port: mostly(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(0, 65_536)),
        container_port: mostly(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(0, 65_536)),
        host_ip: mostly(fc.constantFrom('127.0.0.1', '::1', '0.0.0.0'), nastyText),
      }),
      { maxLength: 2 },
    ),
    health_check: fc.record({
      command: fc.oneof(printable, fc.array(printable, { minLength: 1, maxLength: 3 })),
    }),
  },
  { requiredKeys: [] },
);
const inputs = fc.record({
  file: dockerJson,
  networkName: mostly(fc.constant('para-network'), nastyText),
  mode: fc.constantFrom('bridge', 'none', 'restricted'),
  allow: fc.array(mostly(fc.constantFrom('npm', '*.example.com', 'example.com:8443'), nastyText), {
    maxLength: 3,
  }),
  hardening: fc.constantFrom('strict', 'default', 'off'),
  rootless: fc.boolean(),
  lent: fc.boolean(),
  driver: fc.constantFrom(docker, podman),
});
type Input = typeof inputs extends fc.Arbitrary<infer T> ? T : never;

/** Where a restricted container is, which para alone decides. */
const PLACE = { proxy: '10.213.0.2', address: '10.213.0.3' };

/** Flags of `create` as the engines know them. Any other word before `--` is one that para did not write. */
const SWITCHES = ['--init', '--read-only'];
const WITH_VALUE =
  /^(--(pull|name|hostname|workdir|label|cap-drop|security-opt|tmpfs|pids-limit|memory|cpus|ipc|ulimit|log-driver|log-opt|restart|health-(cmd|interval|timeout|retries|start-period)|user|userns|network|dns|ip|add-host|sysctl|mount|entrypoint)|-p|-e)$/;

/** Reads the line as an engine does. */
function asEngine(args: readonly string[]): {
  readonly options: readonly (readonly [string, string])[];
  readonly image: string | undefined;
  readonly rest: readonly string[];
} {
  const options: (readonly [string, string])[] = [];
  let at = 1;
  for (; at < args.length && args[at] !== '--'; at += 1) {
    const word = args[at] ?? '';
    if (SWITCHES.includes(word)) continue;
    expect(word).toMatch(WITH_VALUE);
    at += 1;
    options.push([word, args[at] ?? '']);
  }
  return { options, image: args[at + 1], rest: args.slice(at + 2) };
}

const FLAGS: ContainerFlags = {
  ...{ image: undefined, env: {}, ports: [], volumes: [], cpus: undefined, memoryBytes: undefined },
  network: { mode: undefined, allowDomains: [] },
  ...{ pin: false, sshAgent: false },
};

/** The containers that these settings make, the session's own first; none when they are refused. */
async function specsOf(input: Input): Promise<readonly ContainerSpec[]> {
  const { file, networkName, mode, allow, hardening, rootless, lent, driver } = input;
  try {
    const read: DockerFile = parseSessionDocker('docker.json', Buffer.from(JSON.stringify(file)));
    const asked = { custom_network_name: networkName, mode, allowed_domains: allow };
    checkConfig('config.json', { docker: { network: asked, hardening } });
    const network = { ...DEFAULTS.docker.network, ...asked };
    const own = { ...DEFAULTS, docker: { ...DEFAULTS.docker, network, hardening } } as Config;
    const { wish } = planContainer(FLAGS, {
      ...{ repo: { root, id: '0123abcd' }, session: 's', operation: 'op', places: placesOf(root) },
      ...{ settings: { config: own, own, project: undefined }, file: read, topLevelNames: [] },
      ...{ home: join(base, 'home'), caller: { uid: 1, gid: 1 } },
    });
    const approved = (file.volumes ?? []).map(({ source }) => source);
    const more = { hasSecrets: lent, sshAgent: lent ? '/agent' : undefined };
    const trusted = { ...wish, ...more, mountContext: { ...wish.mountContext, approved } };
    const capabilities = {
      healthDriver: 'engine',
      rootless,
      memoryLimit: true,
      pidsLimit: true,
    } as Capabilities;
    const engine = { driver, capabilities, endpoint: 'local' };
    if (mode !== 'restricted') return [await resolveSpec(trusted, engine, [])];
    return [await resolveSpec(trusted, engine, [], PLACE), proxyOf(trusted, capabilities)];
  } catch (error) {
    if (!(error instanceof ParaError)) throw error;
    expect(error.message).not.toBe('');
    return [];
  }
}

/** The proxy beside a restricted one: it publishes what the files ask for. */
function proxyOf(wish: ContainerWish, capabilities: Capabilities): ContainerSpec {
  const restricted = {
    egress: wish.network.mode === 'restricted' ? wish.network.egress : '',
    allowed_domains: [],
  };
  return proxySpec(
    {
      ...{ repoId: wish.repoId, session: wish.session, operation: wish.operation, ports: wish.ports },
      ...{ stateDir: wish.stateDir, selfTest: true, image: { image: 'para-proxy:1', node: '/node' } },
      container: { name: 'para-0123abcd-s', network: 'para-0123abcd-s', restricted },
      service: { engine: { capabilities } } as DockerService,
    },
    PLACE,
  );
}

fuzz('P3', 'each value is one word of the line, and no flag of its own', inputs, async (input) => {
  const specs = await specsOf(input);
  for (const spec of specs) expectOwnWords(spec, asEngine(input.driver.create(spec).args));
  return specs.length > 0;
});

function expectOwnWords(spec: ContainerSpec, { options, image, rest }: ReturnType<typeof asEngine>): void {
  const of = (flag: string): readonly string[] =>
    options.flatMap(([name, value]) => (name === flag ? [value] : []));
  expect(image).toBe(spec.image);
  expect(rest).toEqual(spec.command.slice(1));
  expect(of('-e')).toEqual(Object.entries(spec.env).map(([name, value]) => `${name}=${value}`));
  expect(of('--label')).toEqual(Object.entries(spec.labels).map(([name, value]) => `${name}=${value}`));
  expect(of('--mount')).toHaveLength(spec.mounts.length);
  expect(of('-p')).toHaveLength(spec.ports.length);
  const networks = of('--network');
  for (const name of networks) expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*(:ip=10\.213\.0\.2)?$/);
  const closed = spec.network.mode === 'closed';
  // podman is told of both networks of a proxy at once, docker of one.
  expect(networks.length).toBeLessThanOrEqual(spec.network.mode === 'between' ? 2 : 1);
  expect(networks.length).toBeGreaterThan(0);
  expect(of('--ip')).toEqual(closed ? [PLACE.address] : []);
  expect(of('--dns')).toEqual(closed ? ['127.0.0.1'] : []);
  expect(of('--add-host')).toEqual(closed ? [`para-proxy:${PLACE.proxy}`] : []);
  expect(of('--sysctl')).toEqual(
    Object.entries(spec.sysctls ?? {}).map(([name, value]) => `${name}=${value}`),
  );
  if (spec.health !== undefined) expect(of('--health-cmd')).toEqual([spec.health.command]);
  expect(options.filter(([flag]) => flag === '--cap-drop')).toHaveLength(spec.hardening === 'off' ? 0 : 1);
}
