/** The host's side of what a container sees besides the worktree: its directories, and the programs that para puts there. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerInfo } from '../docker/driver.ts';
import { replaceFile } from '../sys/files.ts';
import { requireMountsUnmoved } from './mounts.ts';
import { requireShut, wakeProxy } from './proxy.ts';
import { RUNNER_SCRIPT } from './runner-script.ts';
import type { OwnSettings } from './shut-bridge.ts';
import { STATUS_SCRIPT } from './status-script.ts';
import type { DockerService } from '../docker/service.ts';
import type { Places, SessionRecord } from './store.ts';
import { lendSshAgent, linkSshAgent } from './ssh-agent.ts';
import { startWithSecrets, type Vault } from './vault.ts';

/**
 * Makes what is missing; to be called before every start of a container. `sshAgent` is the agent's socket, for one that is
 * lent it. Safe to repeat.
 */
export async function prepareInside(stateDir: string, sshAgent?: string): Promise<void> {
  for (const name of ['home', 'out', 'cmd', 'logs', join('cmd', 'queue')])
    await mkdir(join(stateDir, name), { recursive: true, mode: 0o700 });
  await put(join(stateDir, 'cmd', 'runner.sh'), RUNNER_SCRIPT);
  await put(join(stateDir, 'cmd', 'para-status'), STATUS_SCRIPT);
  if (sshAgent !== undefined) await linkSshAgent(stateDir, sshAgent);
}

/** A container to be started, and the host's side of it. */
export interface Sleeper {
  readonly container: NonNullable<SessionRecord['container']>;
  readonly session: string;
  readonly places: Places;
  readonly context: OwnSettings & { readonly env: NodeJS.ProcessEnv };
}

/**
 * What must hold before a container is started, and before one that runs is stopped to be started again: its secrets can be
 * told, its mounts lead where they led, and there is an ssh agent for one that is lent it. @throws CONFIG_INVALID, MOUNT_*
 */
export async function requireWakeable(
  vault: Vault,
  { container, session, places, context }: Sleeper,
): Promise<void> {
  await vault.open();
  await requireMountsUnmoved(container, places, session);
  await lendSshAgent(context, container, { session, stateDir: places.docker(session) });
}

/**
 * Starts a stopped container with all that it sees of the host in its place, and its secrets; a restricted one after its
 * proxy, and only when its network is closed. All starts of a container that is there come by here.
 * @returns how it runs, with the ports that are published for it
 * @throws as the engine does, as requireWakeable, NETWORK_NOT_CLOSED
 */
export async function wakeInside(
  vault: Vault,
  service: DockerService,
  sleeper: Sleeper,
): Promise<ContainerInfo> {
  const { container, session, places, context } = sleeper;
  await requireWakeable(vault, sleeper);
  const stateDir = places.docker(session);
  await prepareInside(stateDir);
  const ports = container.restricted === undefined ? undefined : await wakeProxy(service, container);
  await requireShut(context, service, container);
  const to = { service, container: container.name, stateDir };
  const info = await startWithSecrets(vault, to, () => service.wakeContainer(container.name));
  return ports === undefined ? info : { ...info, ports };
}

async function put(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await replaceFile(path, text, 0o755);
}
