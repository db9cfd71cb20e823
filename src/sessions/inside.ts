/** The host's side of what a container sees besides the worktree: its directories, and the programs that para puts there. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerInfo } from '../docker/driver.ts';
import { replaceFile } from '../sys/files.ts';
import { RUNNER_SCRIPT } from './runner-script.ts';
import { STATUS_SCRIPT } from './status-script.ts';
import { startWithSecrets, type Receiver, type Vault } from './vault.ts';

/** Makes what is missing; to be called before every start of a container. Safe to repeat. */
export async function prepareInside(stateDir: string): Promise<void> {
  for (const name of ['home', 'out', 'cmd', 'logs', join('cmd', 'queue')])
    await mkdir(join(stateDir, name), { recursive: true, mode: 0o700 });
  await put(join(stateDir, 'cmd', 'runner.sh'), RUNNER_SCRIPT);
  await put(join(stateDir, 'cmd', 'para-status'), STATUS_SCRIPT);
}

/** Starts a stopped container with all that it sees of the host in its place, and its secrets. @throws as the engine does */
export async function wakeInside(vault: Vault, to: Receiver): Promise<ContainerInfo> {
  await prepareInside(to.stateDir);
  return startWithSecrets(vault, to, () => to.service.wakeContainer(to.container));
}

async function put(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await replaceFile(path, text, 0o755);
}
