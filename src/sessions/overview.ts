/**
 * All sessions as they are now, again and again, for whoever watches them: one engine call a look, and git only for what
 * changed. Reads only; takes no lock.
 */
import { join } from 'node:path';
import type { LineCount } from '../git/line-count.ts';
import type { Repository } from '../git/repository.ts';
import { summariseAgent } from './agent-run.ts';
import { kindOf } from './box-kind.ts';
import { createFileMemory, type FileMemory } from './file-memory.ts';
import { lookedAt, settledBy, withoutRecord, type ListContext, type SessionRow } from './list.ts';
import { heardOf, portsOf, type Asked } from './list-engines.ts';
import { clocks } from './health-file.ts';
import { tellHealth } from './health-now.ts';
import { hostWordsFile } from './host-status.ts';
import { createLastStatus } from './last-status.ts';
import { adminDirs, createLineCounts, type LineCounts } from './line-counts.ts';
import { rebuildOthers } from './rebuild.ts';
import type { Figures } from './stats-figures.ts';
import { readStatus, type Told } from './status-file.ts';
import { listRecords, loadRecord, placesOf, type Places, type SessionRecord } from './store.ts';
import { watchEngines, type EngineWatch, type Round } from './watch-engines.ts';

/** A session as it is watched. `null` where there is nothing to say. */
export interface OverviewRow extends Pick<
  SessionRow,
  | 'name'
  | 'status'
  | 'branch'
  | 'base_ref'
  | 'worktree'
  | 'created_at'
  | 'container'
  | 'box'
  | 'health'
  | 'health_reason'
  | 'given_up'
  | 'agent'
  | 'settle'
> {
  /** Lines that differ from where it started, committed or not; null when nobody counted yet. */
  readonly lines: LineCount | null;
  readonly ports: readonly string[];
  /** What it says of itself, and when that was written by the host's clock. */
  readonly says: NonNullable<Told['status']> | null;
  readonly said_at: string | null;
  /** Why what it says can not be taken. */
  readonly defect: string | null;
  /** What its container uses; null when nobody asked, or it does not run. */
  readonly usage: Pick<Figures, 'cpu_percent' | 'memory_bytes' | 'memory_limit_bytes' | 'pids'> | null;
}

/** What was seen at one look. */
export interface Overview {
  /** Those at work first, then by name. */
  readonly sessions: readonly OverviewRow[];
  /** What could not be told, in words. */
  readonly remarks: readonly string[];
}

/** How much a look may take. */
export interface Effort {
  /** Milliseconds that an engine may take before what it said last is shown. */
  readonly patienceMs: number;
  /** How many sessions' lines are counted at most; the others keep their count. */
  readonly counts: number;
}

/** What nothing tells of, such as a file edited in place, is looked at again after this time. */
const MAX_AGE_MS = 20_000;

/** What is kept from one look to the next. */
interface Eye {
  readonly repo: Repository;
  readonly places: Places;
  readonly memory: FileMemory;
  readonly lines: LineCounts;
  readonly lastSaid: ReturnType<typeof createLastStatus>;
  now(): Date;
}

/**
 * Watches the sessions of the repository. `onRound` gets what the engines say as soon as they have said it.
 * @returns a look at them
 */
export function watchSessions(
  context: ListContext,
  engines: EngineWatch = watchEngines(context),
  onRound: (round: Round) => void = () => undefined,
): (effort: Effort) => Promise<Overview> {
  const now = (): number => context.now().getTime();
  const memory = createFileMemory(MAX_AGE_MS, now);
  const lines = createLineCounts(now);
  const lastSaid = createLastStatus();
  return async ({ patienceMs, counts }) => {
    const repo = await context.repository();
    const kept = { memory, lines, lastSaid, now: () => context.now() };
    const eye: Eye = { repo, places: placesOf(repo.root), ...kept };
    const { records, others, broken } = await readRecords(eye);
    const heard = await engines.ask(repo, records, patienceMs);
    const { asked, remarks } = heard;
    onRound({ records: records.filter((record) => !others.includes(record)), heard });
    await lines.refresh(eye, records, counts);
    const rows = await Promise.all(records.map((record) => toRow(eye, record, asked)));
    memory.forgetUnused();
    const lost = new Set(others.map(({ name }) => name));
    const sessions = rows.map((row) =>
      lost.has(row.name) ? { ...row, ...withoutRecord(row.name, broken) } : row,
    );
    return { sessions: atWorkFirst(sessions), remarks };
  };
}

async function readRecords({ repo, places, memory }: Eye): Promise<{
  readonly records: readonly SessionRecord[];
  readonly others: readonly SessionRecord[];
  readonly broken: readonly string[];
}> {
  const { records, broken } = await listRecords(places, (_, session) =>
    memory.recall(`record ${session}`, [places.record(session)], () => loadRecord(places, session)),
  );
  const known = new Set(records.map(({ name }) => name));
  const others = await memory.recall('others', [places.state], () => rebuildOthers(repo, known, { broken }));
  return { records: [...records, ...others], others, broken };
}

function atWorkFirst(rows: readonly OverviewRow[]): readonly OverviewRow[] {
  const isDone = ({ status }: OverviewRow): boolean => status === 'review';
  return rows.toSorted(
    (a, b) => Number(isDone(a)) - Number(isDone(b)) || (a.name < b.name ? -1 : Number(a.name > b.name)),
  );
}

async function toRow(eye: Eye, record: SessionRecord, asked: readonly Asked[]): Promise<OverviewRow> {
  const { name, branch, base_ref, worktree_path: worktree, created_at } = record;
  const heard = heardOf(record, asked);
  const { container } = heard;
  const [told, agent, condition, health, box] = await Promise.all([
    statusOf(eye, name),
    agentOf(eye, name, container),
    conditionOf(eye, record, container),
    tellHealth(eye.places, record, heard, clocks(eye.now())),
    kindOf(eye.places.docker(name), record, container),
  ]);
  return {
    ...{ name, branch, base_ref, worktree, created_at, container, box, agent, ...condition },
    lines: eye.lines.of(record),
    ...health,
    ports: portsOf(record, asked),
    says: told.status ?? null,
    said_at: told.at?.toISOString() ?? null,
    defect: told.defect ?? null,
    usage: null,
  };
}

async function statusOf({ places, memory, lastSaid }: Eye, session: string): Promise<Told> {
  const dir = places.docker(session);
  const files = [join(dir, 'status.json'), join(dir, 'out', 'status.json'), hostWordsFile(dir)];
  return lastSaid(session, await memory.recall(`status ${session}`, files, () => readStatus(dir)));
}

function agentOf(
  { places, memory }: Eye,
  session: string,
  container: string | null,
): Promise<OverviewRow['agent']> {
  const dir = places.docker(session);
  const state = container === 'not asked' ? undefined : (container ?? undefined);
  const files = [join(dir, 'cmd', 'agent.json'), join(dir, 'logs'), join(dir, 'out', 'ready')];
  return memory.recall(`agent ${session} ${state ?? ''}`, files, () => summariseAgent(dir, state));
}

async function conditionOf(
  eye: Eye,
  record: SessionRecord,
  container: string | null,
): Promise<Pick<OverviewRow, 'status' | 'settle'>> {
  const { repo, places, memory } = eye;
  const { name, status } = record;
  const found =
    status === 'active'
      ? await memory.recall(`condition ${name} ${container ?? ''}`, await tellTales(eye, record), () =>
          lookedAt({ repo, places, record }, container, true),
        )
      : { status, settle: null };
  if (status === 'review') return found;
  const { settle, half_done: verb } = await settledBy(places, record, found);
  return { settle, status: verb === null ? found.status : `${verb} cut short` };
}

/** What changes when git does something in the worktree or in the container, or when one of them goes. */
async function tellTales({ repo, places }: Eye, record: SessionRecord): Promise<readonly string[]> {
  const { name, worktree_path: worktree } = record;
  const dirs = [...(await adminDirs(repo, record)), join(places.docker(name), 'git')];
  const files = dirs.flatMap((dir) => [dir, join(dir, 'index')]);
  return [worktree, join(worktree, '.git'), places.docker(name), ...files];
}
