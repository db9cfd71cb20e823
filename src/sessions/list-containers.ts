/** The containers of a repository, whoever they belong to. Reads only. */
import type { ContainerRow, EngineName } from '../docker/driver.ts';
import type { ListContext } from './list.ts';
import { kindOf, type BoxKind } from './box-kind.ts';
import { findRepository } from './find.ts';
import { OOM_KILLED, oomKilledAmong } from './limit-hit.ts';
import { enginesOf, withoutProxy, withProxyPorts } from './list-engines.ts';
import { proxyName } from './proxy-spec.ts';
import { listRecords } from './store.ts';
import { isSlotId } from './warm-links.ts';

/** A row of `para docker list`. */
export interface ContainerListRow {
  /** null: no session of this repository owns it. */
  readonly session: string | null;
  /** It is kept ready for a start. */
  readonly warm: boolean;
  readonly name: string;
  readonly engine: EngineName;
  readonly image: string;
  readonly state: string;
  readonly status: string;
  readonly ports: readonly string[];
  /** What kind of container it is, by its session's record; null without one. */
  readonly box: BoxKind | null;
}

/** Every container that carries this repository's label, by name; one engine call for each engine in use. */
export async function listContainers(
  context: ListContext,
  only?: EngineName,
): Promise<readonly ContainerListRow[]> {
  const { places, id } = await findRepository(context);
  const { records } = await listRecords(places);
  const used = enginesOf(records);
  const engines =
    only !== undefined ? [only] : used.length > 0 ? used : [(await context.engine()).driver.name];
  const owners = new Map(
    records.flatMap((record) =>
      record.container === null ? [] : [[record.container.name, { ...record, container: record.container }]],
    ),
  );
  // What it publishes is shown as its session's; one whose session is gone is a container like any other.
  const proxies = new Set(
    [...owners.values()].flatMap(({ container }) =>
      container.restricted === undefined ? [] : [proxyName(container)],
    ),
  );
  const lists = await Promise.all(
    engines.map(async (engine) => {
      const service = await context.dockerFor(engine);
      const rows = await service.list({ 'para.repo': id });
      const oomKilled = await oomKilledAmong(service, rows);
      const shown = rows.filter(({ name }) => !proxies.has(name));
      const told = shown.map(async (row) => {
        const owner = owners.get(row.name);
        const whole = owner === undefined ? row : withProxyPorts(owner.container, row, rows);
        const proxy = owner === undefined ? undefined : withoutProxy(owner.container, row.state, rows);
        const state = oomKilled.has(row.name) ? OOM_KILLED : (proxy ?? row.state);
        return {
          ...{ ...toContainerRow(whole, engine, owner?.name ?? null), state },
          box: owner === undefined ? null : await kindOf(places.docker(owner.name), owner, state),
        };
      });
      return Promise.all(told);
    }),
  );
  return lists.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}

function toContainerRow(
  row: ContainerRow,
  engine: EngineName,
  session: string | null,
): Omit<ContainerListRow, 'state' | 'box'> {
  const ports = row.ports.map(
    (port) => `${port.hostIp}:${String(port.hostPort)}->${String(port.containerPort)}/${port.protocol}`,
  );
  const warm = session === null && isSlotId(row.name.replace(/^para-[0-9a-f]{8}-/, ''));
  return { session, warm, name: row.name, engine, image: row.image, status: row.status, ports };
}
