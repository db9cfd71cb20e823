/** The containers of a repository, whoever they belong to. Reads only. */
import type { ContainerRow, EngineName } from '../docker/driver.ts';
import type { ListContext } from './list.ts';
import { OOM_KILLED, oomKilledAmong } from './limit-hit.ts';
import { enginesOf } from './list-engines.ts';
import { listRecords, placesOf } from './store.ts';

/** A row of `para docker list`. */
export interface ContainerListRow {
  /** null: no session of this repository owns it. */
  readonly session: string | null;
  readonly name: string;
  readonly engine: EngineName;
  readonly image: string;
  readonly state: string;
  readonly status: string;
  readonly ports: readonly string[];
}

/** Every container that carries this repository's label, by name; one engine call for each engine in use. */
export async function listContainers(
  context: ListContext,
  only?: EngineName,
): Promise<readonly ContainerListRow[]> {
  const repo = await context.repository();
  const { records } = await listRecords(placesOf(repo.root));
  const used = enginesOf(records);
  const engines =
    only !== undefined ? [only] : used.length > 0 ? used : [(await context.engine()).driver.name];
  const owners = new Map(
    records.flatMap((record) =>
      record.container === null ? [] : [[record.container.name, record.name] as const],
    ),
  );
  const lists = await Promise.all(
    engines.map(async (engine) => {
      const service = await context.dockerFor(engine);
      const rows = await service.list({ 'para.repo': repo.id });
      const oomKilled = await oomKilledAmong(service, rows);
      return rows.map((row) => ({
        ...toContainerRow(row, engine, owners.get(row.name) ?? null),
        state: oomKilled.has(row.name) ? OOM_KILLED : row.state,
      }));
    }),
  );
  return lists.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}

function toContainerRow(
  row: ContainerRow,
  engine: EngineName,
  session: string | null,
): Omit<ContainerListRow, 'state'> {
  const ports = row.ports.map(
    (port) => `${port.hostIp}:${String(port.hostPort)}->${String(port.containerPort)}/${port.protocol}`,
  );
  return { session, name: row.name, engine, image: row.image, status: row.status, ports };
}
