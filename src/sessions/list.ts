/** Joins what the records, git and the engine say. Reads only; takes no lock. */
import { sep } from 'node:path';
import type { ContainerRow, EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { aheadOf } from '../git/status.ts';
import { summariseAgent, type AgentSummary } from './agent-run.ts';
import { countChanges } from './count-changes.ts';
import { listArchived } from './archive.ts';
import type { Repository } from '../git/repository.ts';
import { unsettledWord, type Looked } from './unsettled.ts';
import {
  isSessionBusy,
  listRecords,
  loadRecord,
  placesOf,
  type Places,
  type SessionRecord,
} from './store.ts';

/** What listing needs of the App. */
export interface ListContext {
  readonly cwd: string;
  repository(): Promise<Repository>;
  dockerFor(engine: EngineName): Promise<DockerService>;
  engine(): Promise<{ readonly driver: { readonly name: EngineName } }>;
}

/** A row of `para list`. `null` where there is nothing to say. */
export interface SessionRow {
  readonly name: string;
  /** active, review, starting, finishing, or what has to be settled: `worktree missing`, `conflict`, `rebasing`. */
  readonly status: string;
  readonly branch: string;
  readonly base_ref: string;
  readonly ahead: number | null;
  /** Files with changes that are not committed on the host. */
  readonly changes: number | null;
  readonly worktree: string;
  readonly created_at: string;
  /** The container's state; `missing` when the engine has none; null without one. */
  readonly container: string | null;
  /** The last run of its agent; null when there was none. */
  readonly agent: AgentSummary | null;
  readonly current: boolean;
  /** The command that settles what another one left half done. */
  readonly settle: string | null;
}

/** Every session of the repository, and what could not be told. */
export async function listSessions(
  context: ListContext,
  how: { readonly containers: boolean; readonly archived?: boolean },
): Promise<{ rows: readonly SessionRow[]; remarks: readonly string[] }> {
  const repo = await context.repository();
  const places = placesOf(repo.root);
  const { records, broken } = await listRecords(places);
  const engines = how.containers ? enginesOf(records) : [];
  const asked = await Promise.all(engines.map((engine) => askEngine(context, repo, engine)));
  const states = new Map(asked.flatMap(({ rows }) => rows.map((row) => [row.name, row.state] as const)));
  const silent = new Set(asked.filter(({ error }) => error !== undefined).map(({ engine }) => engine));
  const rows = await Promise.all(
    records.map(async (record) =>
      toRow(
        { repo, places, record },
        {
          container: containerState(
            record,
            states,
            how.containers && !silent.has(record.container?.engine ?? 'docker'),
          ),
          settle: await settledBy(places, record),
        },
      ),
    ),
  );
  const remarks = [
    ...asked.flatMap(({ error }) =>
      error === undefined ? [] : [`${error.message}; containers are not shown`],
    ),
    ...rows.flatMap(({ name, status, settle }) =>
      settle === null
        ? []
        : [`${name} is half done (${status}) and nobody is at it; to settle it: ${settle}`],
    ),
    ...broken.map(
      (name) => `the record of the session ${name} can not be read; its branch and worktree are untouched`,
    ),
  ];
  return { rows: how.archived === true ? [...rows, ...(await archivedRows(repo, records))] : rows, remarks };
}

/** Cancelled sessions whose name is not in use again; the newest archive of each. */
async function archivedRows(
  repo: Repository,
  records: readonly SessionRecord[],
): Promise<readonly SessionRow[]> {
  const { archived } = await listArchived(repo);
  const names = new Set(records.map(({ name }) => name));
  return archived.flatMap(({ record: { name, branch, base_ref, worktree_path, created_at } }) => {
    if (names.has(name)) return [];
    names.add(name);
    const nothing = { ahead: null, changes: null, container: null, agent: null, current: false };
    const settle = `para recover ${name}`;
    return [
      { ...nothing, name, branch, base_ref, created_at, worktree: worktree_path, status: 'archived', settle },
    ];
  });
}

/** The command that goes on with, or undoes, what a para that is no longer there has left half done. */
async function settledBy(places: Places, record: SessionRecord): Promise<string | null> {
  const { name, status, operation } = record;
  const command = SETTLES[status] ?? CONTAINER_SETTLES[operation?.kind ?? 'start'];
  if (command === undefined) return null;
  if (await isSessionBusy(places, name)) return null;
  // It may have come to its end since the record was read.
  const now = await loadRecord(places, name).catch(() => undefined);
  if (now?.status !== status || now.operation?.id !== operation?.id) return null;
  return `${command} ${name}`;
}

/** What to type again when the verb that a status stands for was cut short. */
const SETTLES: Readonly<Partial<Record<SessionRecord['status'], string>>> = {
  starting: 'para start',
  finishing: 'para finish "What was done"',
  cancelling: 'para cancel',
  recovering: 'para recover',
};

/** The same for what was done to the container of a session that stays. */
const CONTAINER_SETTLES: Readonly<Partial<Record<NonNullable<SessionRecord['operation']>['kind'], string>>> =
  {
    'docker start': 'para docker start',
    'docker stop': 'para docker stop --remove',
  };

function enginesOf(records: readonly SessionRecord[]): readonly EngineName[] {
  return [
    ...new Set(records.flatMap((record) => (record.container === null ? [] : [record.container.engine]))),
  ];
}

interface Asked {
  readonly engine: EngineName;
  readonly rows: readonly ContainerRow[];
  readonly error: ParaError | undefined;
}

async function askEngine(context: ListContext, repo: Repository, engine: EngineName): Promise<Asked> {
  try {
    const service = await context.dockerFor(engine);
    return {
      engine,
      rows: await service.list({ 'para.repo': repo.id, 'para.role': 'dev' }),
      error: undefined,
    };
  } catch (error) {
    if (!(error instanceof ParaError)) throw error;
    return { engine, rows: [], error };
  }
}

function containerState(
  record: SessionRecord,
  states: ReadonlyMap<string, string>,
  asked: boolean,
): string | null {
  if (record.container === null) return null;
  return asked ? (states.get(record.container.name) ?? 'missing') : 'not asked';
}

async function toRow(
  { repo, places, record }: Looked,
  told: Pick<SessionRow, 'container' | 'settle'>,
): Promise<SessionRow> {
  const { name, branch, base, base_ref, worktree_path: worktree, created_at } = record;
  const known = {
    name,
    branch,
    base_ref,
    worktree,
    created_at,
    ...told,
    agent: await summariseAgent(
      places.docker(name),
      told.container === 'not asked' ? undefined : (told.container ?? undefined),
    ),
    current: (repo.currentWorktree + sep).startsWith(worktree + sep),
  };
  const ahead = await aheadOf(repo, base, branch).catch(() => null); // the branch may be gone
  if (record.status === 'review') return { ...known, status: 'review', ahead, changes: null };
  const changes = await countChanges(repo, record);
  const active = record.status === 'active';
  const word = active && changes !== undefined ? await unsettledWord({ repo, places, record }) : undefined;
  return {
    ...known,
    status: changes === undefined && active ? 'worktree missing' : (word ?? record.status),
    ahead,
    changes: changes ?? null,
  };
}

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
      const rows = await (await context.dockerFor(engine)).list({ 'para.repo': repo.id });
      return rows.map((row) => toContainerRow(row, engine, owners.get(row.name) ?? null));
    }),
  );
  return lists.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}

function toContainerRow(row: ContainerRow, engine: EngineName, session: string | null): ContainerListRow {
  const ports = row.ports.map(
    (port) => `${port.hostIp}:${String(port.hostPort)}->${String(port.containerPort)}/${port.protocol}`,
  );
  return { session, name: row.name, engine, image: row.image, state: row.state, status: row.status, ports };
}
