/** What paras that died have left half done in this repository, settled by whatever changing verb comes next. */
import { ParaError } from '../errors.ts';
import { isAlive, withoutWaiting } from '../sys/lock.ts';
import { findPlaces } from './find.ts';
import { halfDoneVerb, settledWith, type Operation } from './operation.ts';
import { settledInWords, settleSession, type SettleContext, type SettleManner } from './settle.ts';
import { isSessionBusy, listRecords, loadRecord, type Places, type SessionRecord } from './store.ts';

/** The verb that is about to run. */
export interface ComingVerb {
  readonly words: string;
  /** Names that it may be about. */
  readonly sessions: ReadonlySet<string>;
}

/** What is to be said of one of them. */
export interface SettledLeft {
  readonly text: string;
  readonly isDone: boolean;
}

/**
 * Settles each whose para is dead, and skips those that are busy. A finish that pushes is left to its own session: nobody
 * else's command sends anything away. Starts no process when nothing is half done.
 */
export async function settleLeft(
  context: SettleContext,
  coming: ComingVerb,
  run: SettleManner['run'],
): Promise<readonly SettledLeft[]> {
  const places = await findPlaces(context).catch(() => undefined);
  // Not in a repository: the verb says so itself.
  if (places === undefined) return [];
  const said: SettledLeft[] = [];
  for (const record of (await listRecords(places)).records) {
    const verb = halfDoneVerb(record);
    if (verb === undefined || goesOnItself(coming, record.name, verb)) continue;
    if (!(await isDead(places, record))) continue;
    const manner = { run, pushes: coming.sessions.has(record.name) };
    said.push(...(await settleOne(context, record.name, { verb, manner })));
  }
  return said;
}

/** Typed again a verb goes on by itself, and `recover` with whatever it is. */
function goesOnItself({ words, sessions }: ComingVerb, session: string, verb: Operation['kind']): boolean {
  if (!sessions.has(session)) return false;
  return words === 'recover' || words === verb || (words === 'dispatch' && verb === 'start');
}

async function isDead(
  places: Places,
  { name, operation, worktree_path: path }: SessionRecord,
): Promise<boolean> {
  // Of a copied or moved repository: it may be the original's.
  if (path !== places.worktree(name)) return false;
  if (await isSessionBusy(places, name)) return false;
  return operation === null || !(await isAlive(operation));
}

async function settleOne(
  context: SettleContext,
  session: string,
  { verb, manner }: { readonly verb: Operation['kind']; readonly manner: SettleManner },
): Promise<readonly SettledLeft[]> {
  try {
    const settled = await withoutWaiting(() => settleSession(context, session, manner));
    if (settled === undefined) return [];
    return [
      { text: settledInWords(settled), isDone: true },
      ...settled.remarks.map((text) => ({ text: `${session}: ${text}`, isDone: false })),
    ];
  } catch (error) {
    if (error instanceof ParaError && error.code === 'BUSY') return [];
    if (error instanceof ParaError && error.code === 'INTERRUPTED') throw error;
    // Somebody was quicker.
    const now = await loadRecord(await context.places(), session).catch(() => undefined);
    if (now === undefined || halfDoneVerb(now) !== verb) return [];
    const why = error instanceof Error ? error.message : String(error);
    const text = `The ${verb} of ${session} was cut short, and can not be settled now: ${why}; to settle it: ${settledWith(session)}`;
    return [{ text, isDone: false }];
  }
}
