/** Where an engine's client will go, told from the environment and its own files, without asking it. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { EngineName } from './driver.ts';

/**
 * The address the client will use, such as `unix:///run/docker.sock` or `ssh://host`; `local` for its default.
 * docker takes DOCKER_HOST, then DOCKER_CONTEXT, then `currentContext` of its config.json; a context's address is
 * in `contexts/meta/<sha256 of its name>/meta.json` (docker context(1)). podman takes CONTAINER_HOST.
 */
export async function endpointOf(engine: EngineName, env: NodeJS.ProcessEnv): Promise<string> {
  const host = env[hostVariable(engine)] ?? '';
  if (host !== '' || engine !== 'docker') return host || 'local';
  const config = env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker');
  const context =
    env['DOCKER_CONTEXT'] || (await textIn(join(config, 'config.json'), 'currentContext')) || 'default';
  if (context === 'default') return 'local';
  const id = createHash('sha256').update(context).digest('hex');
  const meta = join(config, 'contexts', 'meta', id, 'meta.json');
  return (await textIn(meta, 'Endpoints', 'docker', 'Host')) || `context ${context}`;
}

/**
 * Tells a daemon from the one before it, without asking it: by the times of its socket, and of the file beside that in
 * which it writes its process, since systemd may keep the socket. Empty where there is none, as with podman.
 */
export async function daemonAt(engine: EngineName, endpoint: string): Promise<string> {
  const local = engine === 'docker' && endpoint === 'local' ? DOCKER_SOCKET : endpoint;
  if (!local.startsWith('unix://')) return '';
  const socket = local.slice('unix://'.length);
  const files = [socket, socket.replace(/\.sock$/, '.pid')];
  const found = await Promise.all(files.map((file) => stat(file, { bigint: true }).catch(() => undefined)));
  return found.map((one) => [one?.ino, one?.mtimeNs, one?.ctimeNs].join(':')).join(' ');
}

/** Where docker's client goes when nothing says otherwise. */
const DOCKER_SOCKET = 'unix:///var/run/docker.sock';

/** The variable that overrides everything else. */
export function hostVariable(engine: EngineName): 'DOCKER_HOST' | 'CONTAINER_HOST' {
  return engine === 'docker' ? 'DOCKER_HOST' : 'CONTAINER_HOST';
}

/** The string at these keys of a JSON file; undefined when there is none: the client itself will say so. */
async function textIn(file: string, ...keys: readonly string[]): Promise<string | undefined> {
  try {
    let value: unknown = JSON.parse(await readFile(file, 'utf8'));
    for (const key of keys) value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
