/** The steps of a restricted start: its proxy's image, its closed network, its proxy. None for any other. */
import { ensureProxyImage, proxyImage, type ProxyImage } from '../docker/proxy-image.ts';
import type { DockerService } from '../docker/service.ts';
import type { RestrictedNetwork } from '../docker/spec.ts';
import { ParaError } from '../errors.ts';
import type { Step } from '../pipeline/step.ts';
import { proxyName, type Box } from './proxy-spec.ts';
import { lowerProxy, raiseProxy } from './proxy.ts';
import type { ContainerHost, ContainerState } from './container-state.ts';
import type { ContainerPlan } from './container-decision.ts';
import { lockProxyImage, type Places, type SessionRecord } from './store.ts';

/** In order; they come before the container itself is made, and once the host's side of it is there. */
export function closedSteps(plan: ContainerHost, container: ContainerPlan): readonly Step<ContainerState>[] {
  const { network } = container.wish;
  const recorded = plan.record.container;
  if (network.mode !== 'restricted' || recorded === null) return [];
  const closed: Closed = { plan, container, network, recorded };
  return [getProxy(closed), closeNetwork(closed), startProxy(closed)];
}

interface Closed {
  readonly plan: ContainerHost;
  readonly container: ContainerPlan;
  readonly network: RestrictedNetwork;
  readonly recorded: NonNullable<SessionRecord['container']>;
}

/** The image of the user's choice, or para's own; asks no engine. @throws REFUSED */
export async function imageOf({
  proxyImage: image,
}: Pick<RestrictedNetwork, 'proxyImage'>): Promise<ProxyImage> {
  return image === undefined ? proxyImage() : { image, node: 'node' };
}

/** Pulls the one, or makes the other. */
export async function getImage(
  service: DockerService,
  places: Places,
  network: Pick<RestrictedNetwork, 'proxyImage'>,
  note: (text: string) => void,
): Promise<void> {
  const wanted = await imageOf(network);
  note(wanted.image);
  if (network.proxyImage !== undefined) await service.ensureImage(wanted.image, note);
  // Two at once would leave one without a name.
  else await lockProxyImage(places, () => ensureProxyImage(service, wanted));
}

function getProxy({ plan, container: { service }, network }: Closed): Step<ContainerState> {
  return {
    title: 'Getting the proxy',
    run: (_state, note) => getImage(service, plan.places, network, note),
  };
}

function closeNetwork({
  plan,
  container: { service, wish },
  network,
  recorded,
}: Closed): Step<ContainerState> {
  const { name, subnetPool: pool } = network;
  const labels = {
    ...{ 'para.schema': '1', 'para.repo': wish.repoId, 'para.session': plan.session },
    'para.role': 'network',
  };
  return {
    title: 'Closing the network',
    run: async (_state, note) => {
      note(name);
      try {
        await service.createClosedNetwork({ name, labels, pool });
      } catch (error) {
        // One that was cut short may have made it, or nobody knows it but by its labels.
        const there = error instanceof ParaError ? await service.network(name) : undefined;
        const isOurs =
          there?.labels['para.repo'] === wish.repoId && there.labels['para.session'] === plan.session;
        if (!isOurs) throw error;
        if (there.isClosed) return;
        await service.removeNetwork(name);
        await service.createClosedNetwork({ name, labels, pool });
      }
    },
    undo: async (state) => {
      // A container of that name that was there before has it.
      if (!state.nameTaken) await service.removeNetwork(recorded.network);
    },
    leftover: () => `${service.engine.driver.name} network rm ${name}`,
  };
}

function startProxy(closed: Closed): Step<ContainerState> {
  const { container, network, recorded } = closed;
  const { service } = container;
  return {
    title: 'Starting its proxy',
    run: async (state, note) => {
      note(proxyName(recorded));
      const { place, ports } = await raiseProxy(boxOf(closed, await imageOf(network)));
      state.place = place;
      state.published = ports;
      note(network.selfTest ? 'the network is closed' : 'not tested');
    },
    undo: async (state) => {
      if (!state.nameTaken) await lowerProxy(service, recorded);
    },
    leftover: () => `${service.engine.driver.name} rm -f ${proxyName(recorded)}`,
  };
}

function boxOf({ container, network, recorded }: Closed, image: ProxyImage): Box {
  const { service, wish } = container;
  const { repoId, session, operation, ports, stateDir } = wish;
  const { selfTest } = network;
  return { service, repoId, session, operation, ports, stateDir, selfTest, image, container: recorded };
}
