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
import { resolveSpec } from '../../src/docker/spec.ts';
import { ParaError } from '../../src/errors.ts';
import { planContainer, type ContainerFlags } from '../../src/sessions/container-plan.ts';
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
    environment: fc.dictionary(mostly(fc.constantFrom('A', '_b', 'PATH', 'HOME'), nastyText), printable, {
      maxKeys: 4,
      noNullPrototype: true,
    }),
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
  hardening: fc.constantFrom('strict', 'default', 'off'),
  driver: fc.constantFrom(docker, podman),
});

/** Flags of `create` as the engines know them. Any other word before `--` is one that para did not write. */
const SWITCHES = ['--init', '--read-only'];
const WITH_VALUE =
  /^(--(pull|name|hostname|workdir|label|cap-drop|security-opt|tmpfs|pids-limit|memory|cpus|ipc|ulimit|log-driver|log-opt|restart|health-(cmd|interval|timeout|retries|start-period)|user|userns|network|mount|entrypoint)|-p|-e)$/;

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

/** The container that these settings make; undefined when they are refused. */
async function specOf({
  file,
  networkName,
  hardening,
  driver,
}: typeof inputs extends fc.Arbitrary<infer T> ? T : never): Promise<ContainerSpec | undefined> {
  try {
    const read: DockerFile = parseSessionDocker('docker.json', Buffer.from(JSON.stringify(file)));
    const network = { ...DEFAULTS.docker.network, custom_network_name: networkName };
    checkConfig('config.json', { docker: { network: { custom_network_name: networkName }, hardening } });
    const own = { ...DEFAULTS, docker: { ...DEFAULTS.docker, network, hardening } } as Config;
    const { wish } = planContainer(FLAGS, {
      ...{ repo: { root, id: '0123abcd' }, session: 's', operation: 'op', places: placesOf(root) },
      ...{ settings: { config: own, own, project: undefined }, file: read, topLevelNames: [] },
      ...{ home: join(base, 'home'), caller: { uid: 1, gid: 1 } },
    });
    const approved = (file.volumes ?? []).map(({ source }) => source);
    const trusted = { ...wish, mountContext: { ...wish.mountContext, approved } };
    const capabilities = { healthDriver: 'engine', rootless: false } as Capabilities;
    return await resolveSpec(trusted, { driver, capabilities, endpoint: 'local' }, []);
  } catch (error) {
    if (!(error instanceof ParaError)) throw error;
    expect(error.message).not.toBe('');
    return undefined;
  }
}

fuzz('P3', 'each value is one word of the line, and no flag of its own', inputs, async (input) => {
  const spec = await specOf(input);
  if (spec === undefined) return false;
  const { options, image, rest } = asEngine(input.driver.create(spec).args);
  const of = (flag: string): readonly string[] =>
    options.flatMap(([name, value]) => (name === flag ? [value] : []));
  expect(image).toBe(spec.image);
  expect(rest).toEqual(spec.command.slice(1));
  expect(of('-e')).toEqual(Object.entries(spec.env).map(([name, value]) => `${name}=${value}`));
  expect(of('--label')).toEqual(Object.entries(spec.labels).map(([name, value]) => `${name}=${value}`));
  expect(of('--mount')).toHaveLength(spec.mounts.length);
  expect(of('-p')).toHaveLength(spec.ports.length);
  expect(of('--network')).toHaveLength(1);
  expect(of('--network')[0]).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/);
  if (spec.health !== undefined) expect(of('--health-cmd')).toEqual([spec.health.command]);
  expect(options.filter(([flag]) => flag === '--cap-drop')).toHaveLength(input.hardening === 'off' ? 0 : 1);
  return true;
});
