/** Mending the proxy of a restricted session, whose own container stays as it is. */
import type { DockerService } from '../docker/service.ts';
import type { Repository } from '../git/repository.ts';
import type { Step } from '../pipeline/step.ts';
import { getImage, imageOf } from './closed-steps.ts';
import type { AgainContext } from './container-again.ts';
import { restrictedBy } from './container-plan.ts';
import { withoutProxy } from './list-engines.ts';
import { checkName, placeOf, proxyName, type Box } from './proxy-spec.ts';
import { lowerProxy, raiseProxy } from './proxy.ts';
import type { Places, SessionRecord } from './store.ts';

/** What is wrong with a proxy, and what to make it anew of. */
export interface LostProxy {
  readonly wrong: string;
  /** Of the user's choice. */
  readonly proxyImage: string | undefined;
  readonly box: Box;
}

/** The proxy of a container that is there: what is wrong with it, and how it is made anew. */
export async function lostProxy(
  context: AgainContext,
  service: DockerService,
  session: {
    readonly repo: Repository;
    readonly places: Places;
    readonly record: SessionRecord;
    /** Of the container itself; undefined: it is made anew, and its proxy with it. */
    readonly state: string | undefined;
  },
): Promise<LostProxy | undefined> {
  const { repo, places, record, state } = session;
  const { container } = record;
  if (container?.restricted === undefined || state === undefined) return undefined;
  const check = checkName(container);
  const beside = await service.inspect([proxyName(container), check]);
  // What tries its network is left when a para was killed meanwhile: nobody knows how it would have ended.
  const untested = beside.some(({ name }) => name === check) ? 'proxy not tested' : undefined;
  const wrong = withoutProxy(container, state, beside) ?? untested;
  if (wrong === undefined) return undefined;
  const proxyImage = restrictedBy((await context.config()).own.docker.network).proxyImage;
  const box = await recordedBox(context, service, { repo, places, record, container });
  return { wrong, proxyImage, box };
}

/** What the proxy of a session is made of, as its record tells. */
export async function recordedBox(
  context: Pick<AgainContext, 'config' | 'newId'>,
  service: DockerService,
  {
    repo,
    places,
    record,
    container,
  }: {
    readonly repo: Repository;
    readonly places: Places;
    readonly record: SessionRecord;
    readonly container: NonNullable<SessionRecord['container']>;
  },
): Promise<Box> {
  const { proxyImage, selfTest } = restrictedBy((await context.config()).own.docker.network);
  return {
    ...{ service, repoId: repo.id, session: record.name, operation: context.newId(), container, selfTest },
    ports: container.made_with?.ports ?? [],
    image: await imageOf({ proxyImage }),
    stateDir: places.docker(record.name),
  };
}

/** At the place where its container looks for it. */
export function mendProxy(proxy: LostProxy | undefined, places: Places): Step<unknown> {
  return {
    title: 'Starting its proxy',
    skip: () => (proxy === undefined ? 'it is there' : undefined),
    run: async (_state, note) => {
      if (proxy === undefined) return;
      const { box, proxyImage } = proxy;
      await getImage(box.service, places, { proxyImage }, note);
      await raiseProxy(box, await placeOf(box.stateDir));
    },
    undo: async () => {
      if (proxy !== undefined) await lowerProxy(proxy.box.service, proxy.box.container);
    },
  };
}
