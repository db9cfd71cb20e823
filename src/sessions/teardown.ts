/** Steps that `finish` and `cancel` share: the container is stopped, its commits come back, and all is taken away. */
import { join } from 'node:path';
import type { DockerService } from '../docker/service.ts';
import { EXIT, ParaError } from '../errors.ts';
import { bringBack, type BroughtBack } from '../git/bring-back.ts';
import type { Repository } from '../git/repository.ts';
import type { Step } from '../pipeline/step.ts';
import { wakeInside } from './inside.ts';
import { isNetworkKept, sharedNetwork } from './network.ts';
import { removeClosed } from './proxy.ts';
import { lockRepository, type Places, type SessionRecord } from './store.ts';
import { vaultOfRecord, type VaultContext } from './vault.ts';

/** Seconds a container gets to stop by itself. */
export const STOP_GRACE = 10;

/** A session that is taken apart. */
export interface Teardown {
  readonly record: SessionRecord;
  readonly places: Places;
  readonly repo: Repository;
  readonly service: DockerService | undefined;
}

/** One whose container is stopped first, and started again when all is taken back. */
export interface Stoppable extends Teardown {
  readonly secrets: VaultContext;
}

/** What these steps tell each other. */
export interface TeardownState {
  /** Everything is kept in git: from here on a failure is mended by going on, not by going back. */
  settled: boolean;
  wasRunning: boolean;
}

/** Nothing writes into the worktree any more. */
export function stopContainer(
  { record, service, places, secrets }: Stoppable,
  graceSeconds = STOP_GRACE,
): Step<TeardownState> {
  return {
    title: 'Stopping the container',
    skip: () => (service === undefined ? 'no container' : undefined),
    run: async (state, note) => {
      const name = record.container?.name ?? '';
      note(name);
      const info = await service?.status(name);
      state.wasRunning = info?.state === 'running' || info?.state === 'paused';
      // podman stops no paused container, and in one that is frozen nobody hears that it should end.
      if (info?.state === 'paused') await service?.unpauseContainer(name);
      if (info !== undefined) await service?.stopContainer(name, graceSeconds);
    },
    // Nothing was taken away yet: the session goes on as it was.
    undo: async (state) => {
      const { container } = record;
      if (state.settled || !state.wasRunning || service === undefined || container === null) return;
      const sleeper = { container, session: record.name, places, context: secrets };
      await wakeInside(await vaultOfRecord(secrets, container), service, sleeper);
    },
    leftover: () => `para docker start ${record.name}`,
  };
}

/** Takes what was committed inside. @throws REFUSED when the branch moved on the host too */
export function bringCommitsBack({ record, places, repo }: Teardown): Promise<BroughtBack> {
  return lockRepository(places, 'brings commits back', () =>
    bringBack({
      repo,
      session: record.name,
      sealedDir: join(places.docker(record.name), 'git'),
      branch: record.branch,
      worktreePath: record.worktree_path,
    }),
  );
}

/** What of the host gave way when the commits came back, and where it is. */
export function keptInWords({
  kept,
  stagedKept,
}: Pick<BroughtBack, 'kept' | 'stagedKept'>): readonly string[] {
  return [
    ...(kept === undefined
      ? []
      : [`The branch was rewritten in the container; what it was is kept as ${kept}`]),
    ...(stagedKept === undefined
      ? []
      : [`Some of what was staged was committed otherwise inside; it is kept as ${stagedKept}`]),
  ];
}

/** The container, and what is a restricted one's own; the network that it shares goes last (dropNetwork). */
export function removeContainer({ record, service }: Teardown): Step<unknown> {
  return {
    title: 'Removing the container',
    skip: () => (service === undefined ? 'no container' : undefined),
    run: async () => {
      if (service === undefined || record.container === null) return;
      await service.removeContainer(record.container.name);
      await removeClosed(service, record.container);
    },
  };
}

function isUnanswered({ code, exit }: ParaError): boolean {
  return exit === EXIT.deadline || exit === EXIT.engine || code === 'INTERRUPTED';
}

/**
 * The network, when no other session has it. To be called once the record names no container any more: of several that
 * end at the same time the last one finds nobody else. An engine that does not answer stops nothing any more: the network
 * is left to `docker cleanup`, and said.
 */
export async function dropNetwork(
  { record, places, service }: Teardown,
  note: (text: string) => void,
): Promise<void> {
  const { container } = record;
  if (service === undefined || container === null) return;
  await lockRepository(places, 'removes the network', async () => {
    if (await isNetworkKept(places, record)) return;
    await service.removeNetwork(sharedNetwork(container)).catch((error: unknown) => {
      if (!(error instanceof ParaError)) throw error;
      // A start that runs right now may have it already: then the engine refuses, and that is right.
      if (!isUnanswered(error)) return;
      note(`the network is left: ${error.message}; later: para docker cleanup`);
    });
  });
}
