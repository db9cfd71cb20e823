/** The repository's own network is shared by its sessions: whoever needs it last takes it away. A closed one is a session's own. */
import type { DockerService } from '../docker/service.ts';
import { listRecords, type Places, type SessionRecord } from './store.ts';
import { hasSlots } from './warm-slots.ts';

type Container = NonNullable<SessionRecord['container']>;

/** The network that other sessions may have too: of a restricted one, that of its proxy. */
export function sharedNetwork({ network, restricted }: Pick<Container, 'network' | 'restricted'>): string {
  return restricted?.egress ?? network;
}

/** True unless the record's session is the only one with its shared network, or that is none of para's. */
export async function isNetworkKept(places: Places, record: SessionRecord): Promise<boolean> {
  if (record.container === null) return true;
  const { engine } = record.container;
  const network = sharedNetwork(record.container);
  if (network === 'none' || network === 'bridge') return true;
  const { records, broken } = await listRecords(places);
  return (
    broken.length > 0 ||
    (await hasSlots(places)) ||
    records.some(
      ({ name, container }) =>
        // Another engine has a network of that name of its own.
        name !== record.name &&
        container !== null &&
        sharedNetwork(container) === network &&
        container.engine === engine,
    )
  );
}

/** True when the engine has lost a network without which the container, or its proxy, can not start. */
export async function isNetworkGone(service: DockerService, container: Container): Promise<boolean> {
  const needed = [...new Set([container.network, sharedNetwork(container)])].filter(
    (name) => name !== 'none' && name !== 'bridge',
  );
  if (needed.length === 0) return false;
  const there = new Set((await service.networks({})).map(({ name }) => name));
  return needed.some((name) => !there.has(name));
}
