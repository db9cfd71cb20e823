/**
 * Settles what a para that has died left half done in a session: a start goes back, or forward once there may be work;
 * everything else goes forward, with what was asked for when it began (the record's `wish`).
 */
import { hasCode } from '../errors.ts';
import { branchExists } from '../git/refs.ts';
import type { Step } from '../pipeline/step.ts';
import { isHalfAdopted, settleAdoption, type AdoptContext } from './adopt.ts';
import { cancelSteps } from './cancel-steps.ts';
import { newCancelState, withCancelPlan, type CancelContext } from './cancel.ts';
import { settleCutShort } from './cut-short.ts';
import { damageOf } from './damage.ts';
import { requireHere } from './find.ts';
import { finishRemarks } from './finish-remarks.ts';
import { finishSteps } from './finish-steps.ts';
import { newFinishState, withFinishPlan, type FinishContext } from './finish.ts';
import { halfDoneVerb, wishOf, type Operation } from './operation.ts';
import { recoverSteps } from './recover-steps.ts';
import { chooseArchive, newRecoverState, withRecoverPlan, type RecoverContext } from './recover.ts';
import { newRemoveState, removeSteps, withRemovePlan, type RemoveContext } from './remove-container.ts';
import { loadRecord, lockSession, saveRecord, type Places, type SessionRecord } from './store.ts';
import { settleUpdate, type UpdateContext } from './update.ts';

/** What settling needs of the App: what every verb needs. */
export interface SettleContext
  extends
    FinishContext,
    CancelContext,
    RecoverContext,
    RemoveContext,
    UpdateContext,
    Pick<AdoptContext, 'places'> {}

/** How it is done. */
export interface SettleManner {
  run<C>(steps: readonly Step<C>[], state: C): Promise<void>;
  /** False: a finish that would push is left as it is. */
  readonly pushes: boolean;
}

/** What became of a verb that was cut short. */
export interface Settled {
  readonly session: string;
  readonly verb: Operation['kind'];
  /** A clause that goes on from "…, which was cut short,". */
  readonly end: string;
  /** What a person should know besides. */
  readonly remarks: readonly string[];
  /** An exit code; 0 when all went well. */
  readonly exit: number;
}

/**
 * Brings what is half done in a session to its end; one that still runs is waited for.
 * @returns undefined when nothing is, or it is left
 * @throws whatever is in the way of the verb itself
 */
export async function settleSession(
  context: SettleContext,
  session: string,
  manner: SettleManner,
): Promise<Settled | undefined> {
  const places = await context.places();
  const record = await loadRecord(places, session).catch(() => undefined);
  if (record === undefined) return undefined;
  const verb = halfDoneVerb(record);
  if (verb === undefined) return undefined;
  requireHere(places, record);
  const end = await SETTLERS[verb](context, { places, record, manner });
  return end && { session, verb, remarks: [], exit: 0, ...end };
}

/** The same in a sentence. */
export function settledInWords({ verb, session, end }: Settled): string {
  return `The ${verb} of ${session}, which was cut short, ${end}`;
}

/** A session with something half done. */
interface Half {
  readonly manner: SettleManner;
  readonly places: Places;
  readonly record: SessionRecord;
}

type End = Pick<Settled, 'end'> & Partial<Settled>;
type Settler = (context: SettleContext, half: Half) => Promise<End | undefined>;

const SETTLERS: Readonly<Record<Operation['kind'], Settler>> = {
  start: settleStart,
  finish: settleFinish,
  cancel: settleCancel,
  recover: settleRecover,
  'docker start': settleDockerStart,
  'docker stop': settleDockerStop,
  'docker update': async (context, { record }) => ({ end: await settleUpdate(context, record) }),
};

async function settleStart(context: SettleContext, { record }: Half): Promise<End> {
  const settled = await settleCutShort(context, record.name);
  if (settled?.how === 'taken back') return { end: 'is taken back: nothing had been worked on' };
  return { end: 'is taken up as it is: there may be work in it' };
}

async function settleFinish(context: SettleContext, { record, manner }: Half): Promise<End | undefined> {
  const { message = `Finish ${record.name}` } = wishOf(record, 'finish');
  const keeping = { archive: false, force: false };
  const request = {
    message,
    session: record.name,
    branch: undefined,
    push: undefined,
    noContainer: false,
    keeping,
  };
  try {
    return await withFinishPlan(context, request, async (plan) => {
      if (!manner.pushes && plan.remote !== undefined) return undefined;
      const state = newFinishState(plan);
      await manner.run(finishSteps(plan), state);
      return {
        end: `has come to its end; its work is on the branch ${plan.target}`,
        remarks: finishRemarks(state),
        exit: state.pushError?.exit ?? 0,
      };
    });
  } catch (error) {
    if (!hasCode(error, 'REFUSED') || !(await isTakenBack(context, record))) throw error;
    const why = [error.message, ...(error.hint === undefined ? [] : [error.hint])].join('\n');
    return { end: 'is taken back: a person has to decide first', remarks: [why] };
  }
}

/** A finish that only a person can bring to its end is none: nothing was taken away, so the session goes on. */
async function isTakenBack(context: SettleContext, { name }: SessionRecord): Promise<boolean> {
  const [repo, places] = await Promise.all([context.repository(), context.places()]);
  return lockSession(places, name, 'takes a finish back', async () => {
    const record = await loadRecord(places, name);
    if (record?.status !== 'finishing') return false;
    const hasBranch = await branchExists(repo, record.branch);
    const isWhole = (await damageOf(repo, { ...record, container: null }, hasBranch)) === undefined;
    if (isWhole) await saveRecord(places, { ...record, status: 'active', operation: null });
    return isWhole;
  });
}

async function settleCancel(context: SettleContext, { record, manner }: Half): Promise<End> {
  const request = { session: record.name, force: false, archiveIgnored: false };
  return withCancelPlan(context, request, async (plan) => {
    await manner.run(cancelSteps(plan), newCancelState());
    return { end: `has come to its end; all is archived, to bring it back: para recover ${record.name}` };
  });
}

async function settleRecover(context: SettleContext, { record, manner }: Half): Promise<End> {
  const archived = await chooseArchive(context, record.name, undefined);
  return withRecoverPlan(context, archived, async (plan) => {
    const state = newRecoverState();
    await manner.run(recoverSteps(plan), state);
    const remarks = state.kept.map((kept) => `what was in the worktree since then is kept: ${kept}`);
    return { end: `has come to its end; it is back in ${plan.record.worktree_path}`, remarks };
  });
}

async function settleDockerStart(context: SettleContext, half: Half): Promise<End> {
  const { places, record } = half;
  const lock = 'settles what was cut short';
  const now = await lockSession(places, record.name, lock, async () => {
    const again = (await loadRecord(places, record.name)) ?? record;
    return isHalfAdopted(again) ? settleAdoption(context, { places, record: again }) : again;
  });
  if (now.container !== null) return { end: 'has come to its end; the container is there' };
  return { end: 'is taken back; the session is as it was' };
}

async function settleDockerStop(context: SettleContext, { record, manner }: Half): Promise<End> {
  const { grace: graceSeconds = 10 } = wishOf(record, 'docker stop');
  await withRemovePlan(context, { session: record.name, graceSeconds }, (plan) =>
    manner.run(removeSteps(plan), newRemoveState()),
  );
  return { end: 'has come to its end; the container is gone, its commits are on the branch' };
}
