/** The repository's own network is shared by its sessions: whoever needs it last takes it away. */
import type { DockerService } from '../docker/service.ts';
import { listRecords, type Places, type SessionRecord } from './store.ts';

/** True unless the record's session is the only one with its network, or it has none of para's. */
export async function isNetworkKept(places: Places, record: SessionRecord): Promise<boolean> {
  const { network, engine } = record.container ?? { network: 'none', engine: undefined };
  if (network === 'none' || network === 'bridge') return true;
  const { records, broken } = await listRecords(places);
  return (
    broken.length > 0 ||
    records.some(
      ({ name, container }) =>
        // Another engine has a network of that name of its own.
        name !== record.name && container?.network === network && container.engine === engine,
    )
  );
}

/** True when the engine has lost the network without which the container can not start. */
export async function isNetworkGone(
  service: DockerService,
  { network }: NonNullable<SessionRecord['container']>,
): Promise<boolean> {
  if (network === 'none' || network === 'bridge') return false;
  return !(await service.networks({})).some(({ name }) => name === network);
}
