/** What the proxy of a restricted session is made of: a container, and files on the host that nothing of the session sees. */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContainerSpec, PortMapping } from '../docker/driver.ts';
import type { ProxyImage } from '../docker/proxy-image.ts';
import type { DockerService } from '../docker/service.ts';
import { LABEL_SCHEMA, PROXY_PORT, type ClosedPlace } from '../docker/spec.ts';
import { addressIn } from '../docker/subnet.ts';
import { readOwnJson, replaceFile } from '../sys/files.ts';
import type { SessionRecord } from './store.ts';

type Container = NonNullable<SessionRecord['container']>;

/** All that a proxy is made of. */
export interface Box {
  readonly service: DockerService;
  readonly repoId: string;
  readonly session: string;
  readonly operation: string;
  readonly container: Pick<Container, 'name' | 'network' | 'restricted'>;
  /** What the session publishes. */
  readonly ports: readonly PortMapping[];
  readonly image: ProxyImage;
  readonly selfTest: boolean;
  /** Host directory of the session's container state. */
  readonly stateDir: string;
}

/** Where its files are in it; on the host, `proxy` in the session's container state. */
export const INSIDE = '/run/para/proxy';
const PROGRAMS = ['proxy.cjs', 'check.cjs'] as const;
const MEMORY = 128 * 1024 * 1024;
/** Nobody, by the number that every engine takes. */
const NOBODY = 65_534;

/** The name of a session's proxy. No session's name has two dashes in a row, so it is no other session's container. */
export function proxyName({ name }: Pick<Container, 'name'>): string {
  return `${name}--proxy`;
}

/** The name of the container that tries its network. */
export function checkName({ name }: Pick<Container, 'name'>): string {
  return `${name}--check`;
}

/** Where a session's proxy was put, as its own rules tell. Undefined when they are gone. */
export async function placeOf(stateDir: string): Promise<ClosedPlace | undefined> {
  const rules = await readOwnJson(rulesFile(join(stateDir, 'proxy')), MOST_RULES);
  const { listen } = (rules ?? {}) as { listen?: { address?: unknown } };
  const proxy = listen?.address;
  return typeof proxy === 'string' ? { proxy, address: addressIn(proxy, 1) } : undefined;
}

/** Bytes of its rules. */
export const MOST_RULES = 1024 * 1024;

/** Its rules, in its directory on the host. */
export function rulesFile(dir: string): string {
  return join(dir, 'rules.json');
}

/** The container that it is: as hardened as can be, and nobody in it. */
export function proxySpec({ image, service, ...box }: Box, place: ClosedPlace): ContainerSpec {
  const { capabilities } = service.engine;
  return {
    name: proxyName(box.container),
    hostname: 'para-proxy',
    image: image.image,
    workdir: '/',
    labels: labels(box, 'proxy'),
    env: {},
    mounts: [{ source: join(box.stateDir, 'proxy'), target: INSIDE, readOnly: true }],
    ports: box.ports,
    memoryBytes: capabilities.memoryLimit ? MEMORY : 0,
    cpus: 0,
    pids: capabilities.pidsLimit ? 200 : 0,
    network: {
      mode: 'between',
      name: box.container.restricted?.egress ?? '',
      closed: box.container.network,
      address: place.proxy,
    },
    // It passes bytes on, no packets; and what it publishes may be a port below 1024. It keeps IPv6, by which it may go out:
    // what is in the closed network has none, and its programs listen on addresses of IPv4.
    sysctls: { 'net.ipv4.ip_forward': '0', 'net.ipv4.ip_unprivileged_port_start': '0' },
    logMegabytes: 8,
    user: { kind: 'user', uid: NOBODY, gid: NOBODY },
    hardening: 'strict',
    command: [image.node, `${INSIDE}/proxy.cjs`, `${INSIDE}/rules.json`],
  };
}

function labels(
  { repoId, session, operation }: Pick<Box, 'repoId' | 'session' | 'operation'>,
  role: 'proxy',
): Readonly<Record<string, string>> {
  return {
    ...{ 'para.schema': LABEL_SCHEMA, 'para.repo': repoId, 'para.session': session },
    ...{ 'para.role': role, 'para.op': operation },
  };
}

/** Read by a user of the container's, whoever that is on the host: there is nothing secret in them. */
export async function writeFiles({ stateDir, container, ports }: Box, place: ClosedPlace): Promise<void> {
  const dir = join(stateDir, 'proxy');
  await mkdir(dir, { recursive: true, mode: 0o755 });
  for (const program of PROGRAMS)
    await replaceFile(join(dir, program), await readFile(programFile(program), 'utf8'), 0o644);
  const publish = [...new Set(ports.map(({ containerPort }) => containerPort))].map((port) => ({
    listen: port,
    to: { address: place.address, port },
  }));
  const rules = {
    schema: 1,
    listen: { address: place.proxy, port: PROXY_PORT },
    allow: container.restricted?.allowed_domains ?? [],
    publish,
    allow_private: [],
  };
  await replaceFile(rulesFile(dir), `${JSON.stringify(rules, undefined, 2)}\n`, 0o644);
}

/** Beside the built para, or in the build of the sources that run. */
function programFile(name: (typeof PROGRAMS)[number]): string {
  const built = fileURLToPath(new URL(name, import.meta.url));
  return existsSync(built) ? built : fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));
}
