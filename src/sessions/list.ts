/** Joins what the records, git and the engine say. Reads only; takes no lock. */
import { sep } from 'node:path';
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { giveSecrets, kindOf, type BoxKind } from './box-kind.ts';
import { summariseAgent, type AgentSummary } from './agent-run.ts';
import { countChanges } from './count-changes.ts';
import { listArchived } from './archive.ts';
import { branchExists } from '../git/refs.ts';
import { damageOf } from './damage.ts';
import { clocks } from './health-file.ts';
import { NO_HEALTH, tellHealth, type HealthFields } from './health-now.ts';
import { halfDoneVerb, settledWith } from './operation.ts';
import { askEngine, heardOf, enginesOf, notShown, NO_PROXY, PROXY_DOWN, STRANDED } from './list-engines.ts';
import { unreadable } from './unreadable.ts';
import { rebuildOthers } from './rebuild.ts';
import type { Repository } from '../git/repository.ts';
import { askRefs, countAhead, type WithTip } from './tips.ts';
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
  now(): Date;
  repository(): Promise<Repository>;
  dockerFor(engine: EngineName): Promise<DockerService>;
  engine(): Promise<{ readonly driver: { readonly name: EngineName } }>;
}

/** A finished session whose branch was merged and deleted, or thrown away. */
const BRANCH_GONE = 'branch gone';

/** A row of `para list`. `null` where there is nothing to say. */
export interface SessionRow extends HealthFields {
  readonly name: string;
  /** active, review, starting …, or what is wrong (damage.ts) or has to be settled: `worktree missing`, `conflict`. */
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
  /** What kind of container it is; null without one. */
  readonly box: BoxKind | null;
  /** The last run of its agent; null when there was none. */
  readonly agent: AgentSummary | null;
  readonly current: boolean;
  /** The command that mends it, or settles what another one left half done. */
  readonly settle: string | null;
  /** The verb that was cut short, when nobody is at it. */
  readonly half_done: NonNullable<SessionRecord['operation']>['kind'] | null;
}

/** Every session of the repository, those at work first, and what could not be told. */
export async function listSessions(
  context: ListContext,
  how: { readonly containers: boolean; readonly archived?: boolean },
): Promise<{ rows: readonly SessionRow[]; remarks: readonly string[] }> {
  const repo = await context.repository();
  const places = placesOf(repo.root);
  const { records, broken } = await listRecords(places);
  const { remembered, tips } = await askRefs(repo, records);
  const known = new Set(records.map(({ name }) => name));
  const others = await rebuildOthers(repo, known, { broken, remembered });
  const all = [...records, ...others].sort((a, b) => (a.name < b.name ? -1 : 1));
  const engines = how.containers ? enginesOf(all) : [];
  const asked = await Promise.all(engines.map((engine) => askEngine(context, { repo, all }, engine)));
  const told = await Promise.all(
    all.map(async (record) => {
      const heard = heardOf(record, asked);
      const row = {
        ...(await toRow({ repo, places, record, tip: tips.get(record.name) }, heard.container)),
        ...(await tellHealth(places, record, heard, clocks(context.now()))),
        box: await kindOf(places.docker(record.name), record, heard.container),
      };
      if (!others.includes(record)) {
        const by = await settledBy(places, record, row);
        return {
          ...row,
          ...by,
          settle: by.settle ?? goneOnWith(row) ?? giveSecrets(row.name, row.box) ?? null,
        };
      }
      return { ...row, ...withoutRecord(record.name, broken) };
    }),
  );
  // A finished session whose branch was deleted is over; `clean` forgets it.
  const rows = told.filter((row) => how.archived === true || !isOver(row));
  const remarks = [
    ...asked.flatMap(notShown),
    ...rows.flatMap(remarkOn),
    ...(await unreadable(
      places,
      broken.filter((name) => !others.some((other) => other.name === name)),
    )),
  ];
  const ordered = [...rows.filter((row) => !isFinished(row)), ...rows.filter(isFinished)];
  const archived = how.archived === true ? await archivedRows(repo, all) : [];
  return { rows: [...ordered, ...archived], remarks };
}

/** Of a session that was put together from all but its record. */
export function withoutRecord(
  session: string,
  broken: readonly string[],
): Pick<SessionRow, 'status' | 'settle'> {
  const status = broken.includes(session) ? 'record unreadable' : 'record missing';
  return { status, settle: `para recover ${session}` };
}

function isFinished({ status }: SessionRow): boolean {
  return status === 'review' || status === BRANCH_GONE;
}

function isOver({ status }: SessionRow): boolean {
  return status === BRANCH_GONE;
}

function remarkOn(row: SessionRow): readonly string[] {
  const { name, status, container, settle, given_up: over } = row;
  if (over !== null) {
    const last = over.log.at(-1);
    const said = last === undefined ? '' : ` (its last line: ${last})`;
    return [`${name} was given up: ${over.reason}${said}; to go on: ${settle ?? ''}`];
  }
  if (settle === null || status === BRANCH_GONE) return [];
  if (settle === giveSecrets(name, row.box))
    return [
      `${name} runs without its secrets, as one that was not started by para; to give it them: ${settle}`,
    ];
  if (row.half_done !== null)
    return [`${name} is half done (${row.half_done}) and nobody is at it; to settle it: ${settle}`];
  return [`${name}: ${status === 'active' ? `container ${container ?? ''}` : status}; to mend it: ${settle}`];
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
    const nothing = {
      ahead: null,
      changes: null,
      container: null,
      box: null,
      ...NO_HEALTH,
      agent: null,
      current: false,
      half_done: null,
    };
    const settle = `para recover ${name}`;
    return [
      { ...nothing, name, branch, base_ref, created_at, worktree: worktree_path, status: 'archived', settle },
    ];
  });
}

/** A container that was given up is started again by a person only. */
function goneOnWith({ name, given_up: over }: SessionRow): string | null {
  return over === null ? null : `para docker start ${name}`;
}

/** The command that mends it, or goes on with what a para that is no longer there has left half done. */
export async function settledBy(
  places: Places,
  record: SessionRecord,
  { status, settle }: Pick<SessionRow, 'status' | 'settle'>,
): Promise<Pick<SessionRow, 'settle' | 'half_done'>> {
  if (status === BRANCH_GONE) return { settle: 'para clean', half_done: null };
  const verb = halfDoneVerb(record);
  if (verb === undefined) return { settle, half_done: null };
  if (!(await isLeft(places, record))) return { settle: null, half_done: null };
  return { settle: settledWith(record.name), half_done: verb };
}

/** True when nobody is at it, and it has not come to its end since the record was read. */
async function isLeft(places: Places, { name, status, operation }: SessionRecord): Promise<boolean> {
  if (await isSessionBusy(places, name)) return false;
  const now = await loadRecord(places, name).catch(() => undefined);
  return now?.status === status && now.operation?.id === operation?.id;
}

async function toRow(looked: WithTip, container: SessionRow['container']): Promise<SessionRow> {
  const { repo, places, record, tip } = looked;
  const { name, branch, base_ref, worktree_path: worktree, created_at, status } = record;
  const current = (repo.currentWorktree + sep).startsWith(worktree + sep);
  const state = container === 'not asked' ? undefined : (container ?? undefined);
  const agent = await summariseAgent(places.docker(name), state);
  const ahead = await countAhead(looked);
  const [half_done, box] = [null, null];
  const known = {
    ...{ name, branch, base_ref, worktree, created_at, container, agent, current, ahead, half_done, box },
    ...NO_HEALTH,
  };
  // Only when it could not be counted is git asked why.
  const hasBranch = ahead !== null || (tip !== null && (await branchExists(repo, branch)));
  if (status === 'review')
    return { ...known, status: hasBranch ? 'review' : BRANCH_GONE, changes: null, settle: null };
  const changes = (await countChanges(repo, record)) ?? null;
  if (status !== 'active') return { ...known, status, changes, settle: null };
  return { ...known, changes, ...(await lookedAt(looked, container, hasBranch)) };
}

/** States of a container that `recover` mends; one that was made and never ran is half of one. */
const BROKEN: ReadonlySet<string | null> = new Set([
  ...['missing', 'created', STRANDED],
  ...[NO_PROXY, PROXY_DOWN],
]);

/** What is wrong with a session that is meant to be whole, in a word, or `active`; and what mends it. */
export async function lookedAt(
  looked: Looked,
  container: string | null,
  hasBranch: boolean,
): Promise<Pick<SessionRow, 'status' | 'settle'>> {
  const damaged = await damageOf(looked.repo, looked.record, hasBranch);
  const word = damaged?.damage ?? (await unsettledWord(looked)) ?? 'active';
  const isWhole = damaged === undefined && !BROKEN.has(container);
  return { status: word, settle: isWhole ? null : `para recover ${looked.record.name}` };
}
