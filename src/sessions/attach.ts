/** A shell in the container of a session, on the caller's terminal. */
import { constants } from 'node:os';
import type { DockerService } from '../docker/service.ts';
import { hasCode, ParaError } from '../errors.ts';
import {
  execRequest,
  killInside,
  notRunning,
  notThere,
  requireContainer,
  type ContainerContext,
} from './containers.ts';
import { findSession, type Found } from './find.ts';
import { diedOfMemory, memoryOf } from './limit-hit.ts';
import { wakeForPerson } from './start-stop.ts';
import { lockSession } from './store.ts';
import type { VaultContext } from './vault.ts';

/** Tells the person something that can not wait for the end. */
export type Say = (text: string) => void;

// The image's own $SHELL first; but a `sh` is what some shells put there themselves when nobody did, and `nologin` is
// none. POSIX sh, and any shell that is not there is passed over.
const BEST_SHELL =
  'case ${SHELL##*/} in sh|false|nologin) SHELL=;; esac; for s in "$SHELL" bash zsh fish ash; do p=$(command -v -- "$s" 2>/dev/null) && test -x "$p" && exec "$p"; done; exec sh';

/**
 * Opens the best shell there is, in the directory that is the current one, and starts a stopped container for it. One
 * engine call when all is well.
 * @returns the shell's exit code; 128+n when a signal ended para
 * @throws CONTAINER_PAUSED, CONTAINER_NOT_FOUND with exit code 125
 */
export async function attachToSession(
  context: ContainerContext & VaultContext,
  session: string | undefined,
  say: Say,
): Promise<number> {
  const found = await findSession(context, session, 'containers');
  const container = requireContainer(found.record);
  const service = await context.dockerFor(container.engine);
  try {
    return await openShell(context, found, service);
  } catch (error) {
    await startIfStopped(context, service, found, { error, say });
    return openShell(context, found, service);
  }
}

async function openShell(context: ContainerContext, found: Found, service: DockerService): Promise<number> {
  const { name } = requireContainer(found.record);
  const streams = { stdinTty: true, stdoutTty: true };
  const { exec, id } = await execRequest(context, found, {
    name,
    argv: ['sh', '-c', BEST_SHELL],
    streams,
  });
  let told: NodeJS.Signals | undefined;
  const code = await service.execTerminal(exec, {
    onSignal: (signal) => {
      told = signal;
      // A shell at a prompt does not end on anything else: its terminal goes.
      return killInside(service, name, id, 'SIGHUP');
    },
  });
  // The client was ended, and what it had started goes on inside.
  if (CUT_OFF.has(code)) await killInside(service, name, id, 'SIGHUP').catch(ignoreEngine);
  return told === undefined ? code : 128 + constants.signals[told];
}

/** 128 plus SIGHUP, SIGKILL and SIGTERM. */
const CUT_OFF = new Set([129, 137, 143]);

function ignoreEngine(error: unknown): void {
  if (!(error instanceof ParaError)) throw error;
}

/** @throws whatever else is in the way */
async function startIfStopped(
  context: VaultContext,
  service: DockerService,
  { places, record }: Found,
  { error, say }: { readonly error: unknown; readonly say: Say },
): Promise<void> {
  if (hasCode(error, 'CONTAINER_NOT_FOUND')) throw notThere(record);
  if (!hasCode(error, 'CONTAINER_NOT_RUNNING') && !hasCode(error, 'CONTAINER_PAUSED')) throw error;
  const { name } = requireContainer(record);
  const info = await service.status(name);
  if (info === undefined) throw notThere(record);
  if (info.state !== 'exited' && info.state !== 'created' && info.state !== 'running')
    throw notRunning(record, info.state, service.engine.driver.name);
  say(
    diedOfMemory(info)
      ? `The container of ${record.name} was killed: it had used up ${memoryOf(info)}; starting it`
      : `The container of ${record.name} is stopped; starting it`,
  );
  await lockSession(places, record.name, 'starts the container', () =>
    wakeForPerson(context, service, { places, record }),
  );
}
