/** Taking the container of a session away again: what is left is an ordinary session with all its commits. */
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { dropPins, type BroughtBack } from '../git/bring-back.ts';
import type { Repository } from '../git/repository.ts';
import type { Step } from '../pipeline/step.ts';
import { requireContainer } from './containers.ts';
import { findSession, type FindContext, type Found } from './find.ts';
import { newOperation, type Operation } from './operation.ts';
import { rememberSession } from './rebuild.ts';
import { loadRecord, lockSession, removeContainerFiles, saveRecord } from './store.ts';
import { requireActive } from './sync.ts';
import {
  bringCommitsBack,
  dropNetwork,
  removeContainer,
  stopContainer,
  type Stoppable,
  type TeardownState,
} from './teardown.ts';
import { commitCount } from './count.ts';
import { requireNothingUnderWay } from './unsettled.ts';
import { isThere } from '../sys/files.ts';
import type { VaultContext } from './vault.ts';

/** What removing needs of the App. */
export interface RemoveContext extends FindContext, VaultContext {
  repository(): Promise<Repository>;
  dockerFor(engine: EngineName): Promise<DockerService>;
  now(): Date;
  newId(): string;
}

/** Everything decided; nothing changed yet. */
export interface RemovePlan extends Stoppable {
  readonly service: DockerService;
  readonly operation: Operation;
  readonly graceSeconds: number;
  /** An earlier removal was cut short after it had taken the container's git directory away. */
  readonly commitsAreBack: boolean;
}

/** What the steps found out. */
export interface RemoveState extends TeardownState {
  back: BroughtBack | undefined;
}

/** The state before the first step. */
export function newRemoveState(): RemoveState {
  return { settled: false, wasRunning: false, back: undefined };
}

/** Reads all there is to know and decides. @throws CONTAINER_NOT_FOUND when the session has none, REFUSED */
export async function planRemove(
  context: RemoveContext,
  session: string | undefined,
  graceSeconds: number,
): Promise<RemovePlan> {
  return decide(context, await findSession(context, session), graceSeconds);
}

/** Hands `work` the plan while it holds the session's lock. @throws as planRemove, BUSY */
export async function withRemovePlan(
  context: RemoveContext,
  { session, graceSeconds }: { readonly session: string | undefined; readonly graceSeconds: number },
  work: (plan: RemovePlan) => Promise<void>,
): Promise<void> {
  const { places, record } = await findSession(context, session);
  requireContainer(record);
  await lockSession(places, record.name, 'removes the container', async () => {
    const now = (await loadRecord(places, record.name)) ?? record;
    const plan = await decide(context, { places, record: now }, graceSeconds);
    await requireNothingUnderWay(plan);
    await work(plan);
  });
}

async function decide(
  context: RemoveContext,
  { places, record }: Found,
  graceSeconds: number,
): Promise<RemovePlan> {
  const { engine } = requireContainer(record);
  // The container that a finish left behind, as it was asked, goes the same way.
  if (record.status !== 'review') requireActive(record);
  const operation = await newOperation('docker stop', {
    ...{ id: context.newId(), at: context.now(), wish: { grace: graceSeconds } },
  });
  const [repo, service] = await Promise.all([context.repository(), context.dockerFor(engine)]);
  const commitsAreBack =
    record.operation?.kind === 'docker stop' && !(await isThere(places.docker(record.name)));
  const secrets = context;
  return { record, places, repo, service, secrets, operation, graceSeconds, commitsAreBack };
}

/** Every step, in order. Once the commits are back they roll forward: typed once more, it goes on. */
export function removeSteps(plan: RemovePlan): readonly Step<RemoveState>[] {
  const { places, record, operation } = plan;
  return [
    {
      title: 'Recording what is to be done',
      run: () => saveRecord(places, { ...record, operation }),
      undo: async (state) => {
        if (!state.settled) await saveRecord(places, { ...record, operation: null });
      },
    },
    stopContainer(plan, plan.graceSeconds),
    takeCommits(plan),
    remove(plan),
    forget(plan),
  ];
}

function takeCommits(plan: RemovePlan): Step<RemoveState> {
  return {
    title: 'Bringing the commits back',
    skip: () =>
      plan.record.container?.git !== 'sealed'
        ? 'git is off in it'
        : plan.commitsAreBack
          ? 'done by an earlier removal'
          : undefined,
    run: async (state, note) => {
      // Until it was stopped, it may have gone on.
      await requireNothingUnderWay(plan);
      state.back = await bringCommitsBack(plan);
      note(commitCount(state.back.commits));
    },
  };
}

function remove(plan: RemovePlan): Step<RemoveState> {
  const step = removeContainer(plan);
  return {
    title: step.title,
    run: async (state, note) => {
      state.settled = true;
      await step.run(state, note);
    },
  };
}

function forget(plan: RemovePlan): Step<RemoveState> {
  const { repo, places, record } = plan;
  return {
    title: 'Finishing up',
    run: async (_state, note) => {
      await removeContainerFiles(places, record.name);
      await dropPins(repo, record.name);
      const after = { ...record, operation: null, contained: true, container: null };
      await rememberSession(repo, after);
      // Until then one that was cut short is finished by another one.
      await saveRecord(places, after);
      await dropNetwork(plan, note);
    },
  };
}
