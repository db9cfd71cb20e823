/** Whether a container that was started has come up. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInfo } from '../docker/driver.ts';
import { ParaError } from '../errors.ts';
import { diedOfMemory, memoryOf, twice } from './limit-hit.ts';
import type { ContainerPlan } from './container-decision.ts';

/**
 * Waits for the file that the container's main process writes first, and checks whose it is: files made in the
 * container must belong to the caller on the host, on every engine (design.md §7).
 */
export async function waitUntilReady(
  container: Pick<ContainerPlan, 'wish' | 'service'>,
  name: string,
): Promise<void> {
  const ready = join(container.wish.stateDir, 'out', 'ready');
  let looks = 0;
  for (let waited = 0; waited < 10_000; waited += 20) {
    const made = await stat(ready).catch(() => undefined);
    if (made !== undefined) {
      checkOwner(made.uid, container);
      return;
    }
    // An engine that answered `start` may still have a dead container: look twice a second.
    if (waited % 500 === 480) await requireRunning(container, name, (looks += 1));
    await sleep(20);
  }
  throw new ParaError(
    'CONTAINER_NOT_RUNNING',
    `the container of ${container.wish.session} did not come up within 10 s`,
    { hint: `para doctor` },
  );
}

async function requireRunning(
  { service, wish }: Pick<ContainerPlan, 'wish' | 'service'>,
  name: string,
  looks: number,
): Promise<void> {
  const info = await service.status(name);
  if (info?.state === 'running' || (info?.state === 'created' && looks < 2)) return;
  refuseTooLittle(wish.session, info);
  const ended =
    info?.state === 'created'
      ? `was not started, whatever ${service.engine.driver.name} says`
      : `ended at once, with exit code ${String(info?.exitCode ?? '?')}`;
  throw new ParaError('CONTAINER_NOT_RUNNING', `the container of ${wish.session} ${ended}`, {
    hint: `The image ${wish.image} must have a POSIX shell (sh) and let the user ${String(wish.caller.uid)} run it.`,
    details: { error: info?.error },
  });
}

/** @throws RESOURCE_LIMIT_EXCEEDED when it died for want of memory */
function refuseTooLittle(session: string, info: ContainerInfo | undefined): void {
  if (info === undefined || !diedOfMemory(info)) return;
  throw new ParaError(
    'RESOURCE_LIMIT_EXCEEDED',
    `the container of ${session} was killed as soon as it ran: it has used up ${memoryOf(info)}`,
    { hint: `Let it have more:  --memory ${twice(info.memoryBytes)}` },
  );
}

function checkOwner(uid: number, { wish }: Pick<ContainerPlan, 'wish'>): void {
  if (uid === wish.caller.uid) return;
  throw new ParaError(
    'ENGINE_BROKEN',
    `files made in the container belong to uid ${String(uid)} on this machine, not to you (${String(wish.caller.uid)})`,
    {
      hint: "The engine's user mapping is not one para knows how to undo: para doctor",
    },
  );
}
