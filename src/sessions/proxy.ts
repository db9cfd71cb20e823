/** The proxy of a restricted session: a container beside the session's own, in its closed network and on the way out. */
import type { ContainerInfo, ContainerSpec, NetworkInfo, PortMapping } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import type { ClosedPlace } from '../docker/spec.ts';
import { addressIn } from '../docker/subnet.ts';
import { hasCode, ParaError } from '../errors.ts';
import type { Finding, Trial } from '../proxy/check.ts';
import { checkSpec, judge, parseFinding, trialOf } from './proxy-check.ts';
import { checkName, INSIDE, proxyName, proxySpec, writeFiles, type Box } from './proxy-spec.ts';
import { isTested, shutBridge, type OwnSettings } from './shut-bridge.ts';
import type { SessionRecord } from './store.ts';

type Container = Pick<NonNullable<SessionRecord['container']>, 'name' | 'network' | 'restricted'>;

/** A proxy that runs, and what it publishes. */
export interface Raised {
  readonly place: ClosedPlace;
  readonly ports: readonly PortMapping[];
}

/** Milliseconds for all that is tried, on a machine that is busy. */
const CHECK_MS = 30_000;

/** A proxy, a container and one that tries the network, four times over: an engine may have lost count of addresses. */
const PLACES = [2, 5, 8, 11];

/**
 * Makes a proxy and starts it, and tries from inside whether the network is closed and the proxy at work. An older one of
 * the session's gives way. @throws NETWORK_NOT_CLOSED
 */
export async function raiseProxy(box: Box, wanted?: ClosedPlace): Promise<Raised> {
  const { service, container } = box;
  const network = await requireClosedNetwork(service, container);
  const subnet = network.subnets[0] ?? '';
  const places = PLACES.map((nth) => ({
    proxy: addressIn(subnet, nth),
    address: addressIn(subnet, nth + 1),
  }));
  let taken: unknown;
  for (const place of wanted === undefined ? places : [wanted]) {
    try {
      const free = wanted === undefined ? place.address : addressIn(place.address, 1);
      return await raiseAt(box, place, { network, free });
    } catch (error) {
      if (!hasCode(error, 'ADDRESS_IN_USE')) throw error;
      taken = error;
      await lowerProxy(service, container);
    }
  }
  throw taken;
}

/** `free`: an address that is tried out, so that the container itself will find it free. */
async function raiseAt(
  box: Box,
  place: ClosedPlace,
  { network, free }: { readonly network: NetworkInfo; readonly free: string },
): Promise<Raised> {
  const { service, container, ports, selfTest } = box;
  await writeFiles(box, place);
  const spec = proxySpec(box, place);
  await makeAnew(service, spec);
  await service.startContainer(spec.name).catch((error: unknown) => {
    throw hasCode(error, 'COMMAND_NOT_FOUND') ? error.withHint(needsNode(box)) : error;
  });
  const [info] = await service.inspect([spec.name]);
  if (info?.state !== 'running')
    throw new ParaError('CONTAINER_NOT_RUNNING', `the proxy of ${container.name} ended at once`, {
      hint: needsNode(box),
    });
  requirePublished(container.name, ports, info);
  // podman makes the bridge for the first container in it.
  await shutBridge(service, network, { container: container.name, selfTest });
  const subnet = network.subnets[0] ?? '';
  const trial = await trialOf({ place, subnet, selfTest });
  const said = await runTrial(box, { place, free }, trial);
  await judge(said, { session: box.session, subnet, selfTest });
  return { place, ports: info.ports };
}

/** What a proxy needs of the image that the user chose for it. */
function needsNode({ image: { image, node } }: Box): string {
  if (node !== 'node') return 'para doctor';
  return `docker.network.proxy_image names ${image}: it must have a node of version 20 or later on its PATH.`;
}

/** Tries from a container of its own, which ends with it. @returns what that printed */
async function runTrial(
  box: Box,
  { place, free }: { readonly place: ClosedPlace; readonly free: string },
  trial: Trial,
): Promise<string> {
  const { service, container } = box;
  const command = [box.image.node, `${INSIDE}/check.cjs`];
  const own = { name: checkName(container), closed: container.network, address: free };
  const check = checkSpec(proxySpec(box, place), { ...own, proxy: place.proxy, command });
  await makeAnew(service, check);
  try {
    await service.startContainer(check.name);
    // podman 4.3 takes 20 seconds to tell that one has ended which it was attached to.
    const argv = [...command, JSON.stringify(trial)];
    const request = { container: check.name, argv, tty: false, stdin: false };
    return (await service.execCapture(request, { timeoutMs: CHECK_MS })).stdout;
  } finally {
    await service.removeContainer(check.name);
  }
}

/**
 * Tries the network of a session that runs, and `more` besides; neither the session nor its proxy hears of it. Undefined
 * when nothing can be said. @throws NETWORK_NOT_CLOSED
 */
export async function tryClosed(
  box: Box,
  place: ClosedPlace,
  more: Trial['tcp'],
): Promise<{ readonly network: NetworkInfo; readonly finding: Finding } | undefined> {
  const { service, container } = box;
  const network = await requireClosed(service, container);
  if (network === undefined) return undefined;
  const trial = await trialOf({ place, subnet: network.subnets[0] ?? '', selfTest: true });
  const tcp = [...trial.tcp, ...more];
  const said = await runTrial(box, { place, free: addressIn(place.address, 1) }, { ...trial, tcp });
  const finding = parseFinding(said);
  return finding === undefined ? undefined : { network, finding };
}

/** Nobody works in one of that name: it is made again. */
async function makeAnew(service: DockerService, spec: ContainerSpec): Promise<void> {
  try {
    await service.createContainer(spec);
  } catch (error) {
    if (!hasCode(error, 'NAME_CONFLICT')) throw error;
    await service.removeContainer(spec.name);
    await service.createContainer(spec);
  }
}

/** Takes it away, and what tries its network. Absent is fine. */
export async function lowerProxy(
  service: DockerService,
  container: Pick<Container, 'name' | 'restricted'>,
): Promise<void> {
  if (container.restricted === undefined) return;
  await service.removeContainer(checkName(container));
  await service.removeContainer(proxyName(container));
}

/** Takes all away that a restricted session has on its engine besides its container; nothing of any other. */
export async function removeClosed(service: DockerService, container: Container): Promise<void> {
  if (container.restricted === undefined) return;
  await lowerProxy(service, container);
  await service.removeNetwork(container.network);
}

/** Starts a proxy that was stopped; one that runs is fine. @returns what it publishes */
export async function wakeProxy(
  service: DockerService,
  container: Container,
): Promise<readonly PortMapping[]> {
  return (await service.wakeContainer(proxyName(container))).ports;
}

/**
 * That the container is in its closed network alone; to be asked before each start.
 * @returns the network; undefined for a container that is not restricted
 * @throws NETWORK_NOT_CLOSED
 */
export async function requireClosed(
  service: DockerService,
  container: Container,
): Promise<NetworkInfo | undefined> {
  if (container.restricted === undefined) return undefined;
  const network = await requireClosedNetwork(service, container);
  const info = await service.status(container.name);
  const others = info?.networks.filter((name) => name !== container.network) ?? [];
  if (info === undefined || (others.length === 0 && info.networks.length === 1)) return network;
  throw notClosed(container.name, `it is in the network ${others.join(', ') || 'none'} as well`);
}

/**
 * The same, and that this machine takes nothing from its network: before one that is there runs again. `context` has whether
 * that is to be tested. @throws NETWORK_NOT_CLOSED
 */
export async function requireShut(
  context: OwnSettings,
  service: DockerService,
  container: Container,
): Promise<void> {
  const network = await requireClosed(service, container);
  if (network === undefined) return;
  await shutBridge(service, network, { container: container.name, selfTest: await isTested(context) });
}

async function requireClosedNetwork(
  service: DockerService,
  { name, network }: Pick<Container, 'name' | 'network'>,
): Promise<NetworkInfo> {
  const found = await service.network(network);
  if (found === undefined)
    throw new ParaError('NETWORK_NOT_FOUND', `the network of container ${name} does not exist`, {
      hint: `${service.engine.driver.name} network ls`,
    });
  if (found.isClosed && found.subnets.length === 1) return found;
  throw notClosed(name, `its network ${network} is not closed`);
}

function notClosed(container: string, why: string): ParaError {
  return new ParaError(
    'NETWORK_NOT_CLOSED',
    `the container ${container} is not restricted as it should be: ${why}`,
    {
      hint: 'It is not started. What it is connected to:\npara doctor',
    },
  );
}

/** Engines drop a port without a word where they can not publish it (security §2.1). @throws PORT_NOT_PUBLISHED */
function requirePublished(container: string, wanted: readonly PortMapping[], info: ContainerInfo): void {
  const missing = wanted.find(
    ({ containerPort, hostPort }) =>
      !info.ports.some(
        (port) =>
          port.containerPort === containerPort &&
          port.hostPort > 0 &&
          (hostPort === 0 || port.hostPort === hostPort),
      ),
  );
  if (missing === undefined) return;
  throw new ParaError(
    'COMMAND_FAILED',
    `the engine says that it publishes the port ${String(missing.containerPort)} of ${container}, but it does not`,
    { hint: 'para doctor' },
  );
}
