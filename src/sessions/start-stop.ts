/** Starting and stopping the container of a session, and remembering which of both was wanted. */
import { EXIT, hasCode, ParaError } from '../errors.ts';
import type { DockerService } from '../docker/service.ts';
import { requireContainer, requireWorktreeThere, type ContainerContext } from './containers.ts';
import { findSession, type Found } from './find.ts';
import { forgetHealth } from './health-file.ts';
import { requireWakeable, wakeInside } from './inside.ts';
import { proxyName } from './proxy-spec.ts';
import { asRegistered, registerContainer, registerStopped } from './registry.ts';
import { loadRecord, lockSession, saveRecord, type SessionRecord } from './store.ts';
import { vaultOfRecord, type VaultContext } from './vault.ts';

/** Seconds for what goes by a proxy to come to its end. */
const PROXY_GRACE = 3;

type Wanted = NonNullable<NonNullable<SessionRecord['container']>['wanted']>;

/** What was done to which. */
export interface StartedOrStopped {
  readonly session: string;
  readonly container: string;
}

/** Starts a stopped container; one that runs already is fine. @throws CONTAINER_NOT_FOUND, BUSY … */
export async function startSessionContainer(
  context: ContainerContext & VaultContext,
  session: string | undefined,
): Promise<StartedOrStopped> {
  const found = await findSession(context, session, 'containers');
  requireContainer(found.record);
  return lockSession(found.places, found.record.name, 'starts the container', async () => {
    const { places, record } = await asItIsNow(found);
    const { name, engine } = requireContainer(record);
    await requireWorktreeThere(record, EXIT.refused);
    const service = await context.dockerFor(engine);
    await wakeForPerson(context, service, { places, record }).catch((error: unknown) => {
      const lost = hasCode(error, 'CONTAINER_NOT_FOUND') || hasCode(error, 'NETWORK_NOT_FOUND');
      throw lost ? removedByHand(record, error) : error;
    });
    return { session: record.name, container: name };
  });
}

/**
 * A person starts it: it is meant to run from now on, and what was seen of its health before is over. The caller holds
 * the session's lock.
 */
export async function wakeForPerson(
  context: VaultContext,
  service: DockerService,
  { places, record }: Found,
): Promise<void> {
  const container = requireContainer(record);
  const vault = await vaultOfRecord(context, container);
  const sleeper = { container, session: record.name, places, context };
  // First: what is in the way stops it before anything is changed.
  await requireWakeable(vault, sleeper);
  await forgetHealth(places.docker(record.name));
  const info = await wakeInside(vault, service, sleeper);
  await registerContainer(places.state, asRegistered(record, info));
  await want({ places, record }, 'running');
}

/** What it committed is on the host. */
function removedByHand({ name }: SessionRecord, error: ParaError): ParaError {
  return error.withHint(`To make it again, with all its commits:\npara recover ${name}`);
}

/** `--grace` as typed: seconds. @throws USAGE */
export function parseGrace(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new ParaError('USAGE', `--grace ${JSON.stringify(text)} is not a number of seconds`, {
    hint: '--grace 10',
  });
}

/** Stops a container; one that is stopped already is fine. @throws CONTAINER_NOT_FOUND, BUSY … */
export async function stopSessionContainer(
  context: ContainerContext,
  session: string | undefined,
  graceSeconds: number,
): Promise<StartedOrStopped> {
  const found = await findSession(context, session, 'containers');
  requireContainer(found.record);
  return lockSession(found.places, found.record.name, 'stops the container', async () => {
    const { places, record } = await asItIsNow(found);
    const container = requireContainer(record);
    const { name, engine, wanted = 'running' } = container;
    const service = await context.dockerFor(engine);
    // First: whoever watches must not take it for one that died.
    await want({ places, record }, 'stopped');
    await service.stopContainer(name, graceSeconds).catch(async (error: unknown) => {
      await want({ places, record }, wanted);
      throw error;
    });
    // Nobody has anything to say to it any more.
    if (container.restricted !== undefined) await service.stopContainer(proxyName(container), PROXY_GRACE);
    await registerStopped(places.state, record.name);
    return { session: record.name, container: name };
  });
}

/** Somebody else held the lock until now. Costs no git. */
async function asItIsNow({ places, record }: Found): Promise<Found> {
  return { places, record: (await loadRecord(places, record.name)) ?? record };
}

async function want({ places, record }: Found, wanted: Wanted): Promise<void> {
  const now = await loadRecord(places, record.name);
  if (now === undefined || now.container === null || (now.container.wanted ?? 'running') === wanted) return;
  await saveRecord(places, { ...now, container: { ...now.container, wanted } });
}
