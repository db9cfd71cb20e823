/**
 * `shared/registry.json`: the containers of a repository, for other programs. A mirror: that it can not be written stops
 * nobody, and nothing in para asks it what is so. Without a container there is no file.
 */
import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RegistryFile, SessionRecord } from '../config/generated/types.ts';
import { isRegistryFile } from '../config/records.ts';
import type { ContainerInfo, ContainerRow, PortMapping } from '../docker/driver.ts';
import { isThere, readOwnJson, replaceFile } from '../sys/files.ts';
import { withLock } from '../sys/lock.ts';

/** A container, as the registry has it. */
export type Registered = RegistryFile['containers'][number];

const MAX_BYTES = 16 * 1024 * 1024;
/** Milliseconds for others who write it; it is not worth more. */
const WAIT_MS = 2_000;

/** Puts one in, or changes what is known of it now. `state` is the repository's `.para/state`. */
export async function registerContainer(state: string, entry: Registered): Promise<void> {
  await change(state, (all) => [...all.filter(({ session }) => session !== entry.session), entry]);
}

/** Says that one does not run any more; nothing of one that is not there. */
export async function registerStopped(state: string, session: string): Promise<void> {
  if (!(await isThere(fileOf(state)))) return;
  await change(state, (all) =>
    all.map((one) => (one.session === session ? { ...one, status: 'exited' } : one)),
  );
}

/** Takes a session's out. */
export async function unregister(state: string, session: string): Promise<void> {
  if (!(await isThere(fileOf(state)))) return;
  await change(state, (all) => all.filter((one) => one.session !== session));
}

/** Makes it say these, and no other. What a list does not tell, the start of one that goes on, stays as it was. */
export async function replaceRegistry(state: string, heard: readonly Registered[]): Promise<void> {
  if (heard.length === 0 && !(await isThere(fileOf(state)))) return;
  await change(state, (all) =>
    heard.map((one) => {
      const before = all.find(({ name }) => name === one.name);
      return { ...one, started_at: one.started_at ?? startKnown(before, one) };
    }),
  );
}

/** One that had ended and runs was started by somebody who did not say so. */
function startKnown(before: Registered | undefined, now: Registered): string | null {
  const hadEnded = before?.status === 'exited' || before?.status === 'dead';
  return hadEnded && now.status === 'running' ? null : (before?.started_at ?? null);
}

/** The entry of a session's container, of what its engine told. */
export function asRegistered(
  { name: session, container }: SessionRecord,
  told: Partial<Pick<ContainerInfo, 'id' | 'startedAt'>> & Pick<ContainerRow, 'state' | 'ports'>,
): Registered {
  const ports = told.ports.map((port) => ({
    ...{ host_ip: port.hostIp, host_port: port.hostPort === 0 ? null : port.hostPort },
    ...{ container_port: port.containerPort, protocol: port.protocol },
  }));
  return {
    ...{ session, name: container?.name ?? '', engine: container?.engine ?? 'docker' },
    ...{ container_id: told.id ?? null, status: told.state, started_at: told.startedAt ?? null, ports },
    health_endpoint: endpoint(container?.made_with?.health_check?.command ?? '', told.ports),
  };
}

/** `http://localhost:3000/health` in the container is `http://127.0.0.1:8080/health` on a host that has it there. */
function endpoint(command: string, ports: readonly PortMapping[]): string | null {
  const url = /\b(https?):\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?(\/[\w./%~+-]*)?/.exec(
    command,
  );
  if (url === null) return null;
  const [, scheme = 'http', typed, path = '/'] = url;
  const inside = Number(typed ?? (scheme === 'https' ? 443 : 80));
  const port = ports.find(({ containerPort, protocol }) => containerPort === inside && protocol === 'tcp');
  if (port === undefined || port.hostPort === 0) return null;
  const host = port.hostIp === '0.0.0.0' ? '127.0.0.1' : port.hostIp;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${String(port.hostPort)}${path}`;
}

function fileOf(state: string): string {
  return join(state, 'docker', 'shared', 'registry.json');
}

async function change(
  state: string,
  make: (all: readonly Registered[]) => readonly Registered[],
): Promise<void> {
  const file = fileOf(state);
  const lock = { what: 'notes a container', waitMs: WAIT_MS };
  const work = async (): Promise<void> => {
    const before = await read(file);
    const containers = [...make(before)].sort((a, b) => (a.session < b.session ? -1 : 1));
    if (containers.length === 0) {
      await rm(file, { force: true });
      await rmdir(dirname(file));
    } else if (JSON.stringify(containers) !== JSON.stringify(before))
      await replaceFile(file, `${JSON.stringify({ schema: 1, containers }, undefined, 2)}\n`);
  };
  // What is in it para can tell at any time.
  await withLock(join(state, 'locks', 'registry'), lock, work).catch(() => undefined);
}

async function read(file: string): Promise<readonly Registered[]> {
  const data = await readOwnJson(file, MAX_BYTES);
  return isRegistryFile(data) ? (data as RegistryFile).containers : [];
}
