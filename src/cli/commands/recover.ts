import { hasCode, ParaError } from '../../errors.ts';
import { halfDoneVerb } from '../../sessions/operation.ts';
import { settledInWords, settleSession } from '../../sessions/settle.ts';
import { loadRecord, type SessionRecord } from '../../sessions/store.ts';
import { isSessionName } from '../../sessions/name.ts';
import { archiveDate, listArchived, type Archived } from '../../sessions/archive.ts';
import {
  chooseArchive,
  newRecoverState,
  withRecoverPlan,
  type RecoverPlan,
  type RecoverState,
} from '../../sessions/recover.ts';
import { isWhole, setHopelessAside, withMendPlan, type MendPlan } from '../../sessions/mend.ts';
import { mendSteps, newMendState } from '../../sessions/mend-steps.ts';
import { recoverSteps } from '../../sessions/recover-steps.ts';
import { changedSinceMade } from '../../sessions/docker-file.ts';
import { age } from '../../ui/age.ts';
import type { App } from '../app.ts';
import { ask, canAsk } from '../ask.ts';
import { defineCommand } from '../define.ts';
import { shellQuote } from '../../sys/shell-quote.ts';

export default defineCommand({
  command: 'recover [session]',
  changes: true,
  describe: 'Bring a cancelled session back, with its uncommitted work; or settle or mend one',
  positionals: { session: { describe: 'Session; without one, choose from a list' } },
  options: {
    at: {
      type: 'string',
      requiresArg: true,
      describe: 'Beginning of the time of its archive (para recover lists them)',
      defaultDescription: 'the newest',
    },
  },
  examples: [
    ['$0 recover', 'choose from what is archived'],
    ['$0 recover fix-login', 'bring it back, mend it, or bring to its end what was cut short'],
  ],
  async run(args, app) {
    const name = args['session'] as string | undefined;
    if (name !== undefined && args.at === undefined) {
      if (await isPutAside(app, name)) return 0;
      const done = await settleOrMend(app, name);
      if (done !== undefined) return done;
    }
    const archived = name === undefined ? await choose(app) : await chooseArchive(app, name, args.at);
    if (archived === undefined) return 0;
    const back = await withRecoverPlan(app, archived, (plan) => recover(app, plan));
    const container = await containerBack(app, archived);
    say(app, back, container);
    return 0;
  },
});

/** @returns the exit code when the name is that of a session which is there; undefined: look for an archive */
async function settleOrMend(app: App, name: string): Promise<number | undefined> {
  const places = await app.places();
  const record = isSessionName(name) ? await loadRecord(places, name).catch(() => undefined) : undefined;
  const verb = record && halfDoneVerb(record);
  // That is what comes next.
  if (verb === 'recover') return undefined;
  // Where the session is comes first: no verb may go on in the repository that this one is a copy of.
  const isHere = record?.worktree_path === places.worktree(name);
  if (isHere && verb !== undefined) return settle(app, name);
  if (isHere && record.status === 'review' && (await isTheOnly(app, record))) return 0;
  return (await withMendPlan(app, name, (plan) => mend(app, plan))) ? 0 : undefined;
}

/** A record that can not be read, of a session of which nothing else is left. False when there is an archive instead. */
async function isPutAside(app: App, name: string): Promise<boolean> {
  const aside = await setHopelessAside(app, name);
  if (aside === undefined) return false;
  app.output.warn(`The record of ${name} could not be read; it is kept as ${aside}`);
  if ((await listArchived(await app.repository(), name)).archived.length > 0) return false;
  app.output.answer(
    { session: { name, mended: [] }, record_kept: aside },
    () => `Nothing else is left of the session ${name}`,
  );
  return true;
}

/** Says so, when there is a finished session of the name and no archive. */
async function isTheOnly(app: App, { name, branch }: SessionRecord): Promise<boolean> {
  if ((await listArchived(await app.repository(), name)).archived.length > 0) return false;
  app.output.answer(
    { session: { name, branch, mended: [] } },
    () => `The session ${name} is finished; nothing is wrong with it. Its work is on the branch ${branch}`,
  );
  return true;
}

/** Brings a verb that was cut short to its end, whatever it was. */
async function settle(app: App, name: string): Promise<number> {
  const settled = await settleSession(app, name, {
    run: (steps, state) => app.run(steps, state),
    pushes: true,
  });
  if (settled === undefined) return 0;
  const { verb, end, remarks, exit } = settled;
  for (const line of remarks) app.output.warn(line);
  app.output.answer({ session: { name, settled: verb, end } }, () => settledInWords(settled));
  return exit;
}

/** @returns false when there is nothing to mend, and maybe an archive to bring back */
async function mend(app: App, plan: MendPlan | undefined): Promise<boolean> {
  if (plan === undefined) return false;
  const { name, branch } = plan.record;
  await remarkChanged(app, plan.record);
  if (isWhole(plan)) {
    // Whoever asks for an archive while another session has its name is told so.
    const [newest] = (await listArchived(plan.repo, name)).archived;
    if (newest !== undefined && newest.record.uuid !== plan.record.uuid) return false;
    app.output.answer({ session: { name, mended: [] } }, () => `Nothing is wrong with the session ${name}`);
    return true;
  }
  const state = newMendState(plan);
  await app.run(mendSteps(plan), state).catch((error: unknown) => {
    throw hasCode(error, 'IMAGE_NOT_FOUND') ? withAnotherImage(error, name) : error;
  });
  const { worktree_path: worktree, container } = state.record;
  const mended = [
    ...plan.wrong,
    ...(plan.again === undefined || plan.obsolete !== undefined ? [] : ['container missing']),
  ];
  app.output.answer({ session: { name, branch, worktree, container: container?.name ?? null, mended } }, () =>
    [
      `Session ${name} is whole again (${mended.join(', ')})`,
      `  branch    ${branch}`,
      `  worktree  ${worktree}`,
      ...(container === null ? [] : [`  container ${container.name}`]),
    ].join('\n'),
  );
  return true;
}

async function remarkChanged(app: App, record: SessionRecord): Promise<void> {
  const changed = await changedSinceMade(record);
  if (changed !== undefined) app.output.warn(changed);
}

function withAnotherImage(error: ParaError, name: string): ParaError {
  const other = `To give the session another one:\npara docker stop ${name} --remove\npara docker start ${name} --image IMAGE`;
  return error.withHint(`${error.hint ?? ''}\n${other}`);
}

/** Its container again, as it was; a session whose engine is down is back all the same. */
async function containerBack(app: App, { record }: Archived): Promise<string | null> {
  if (record.container === null) return null;
  const { name } = record;
  try {
    return await withMendPlan(app, name, async (plan) => {
      if (plan === undefined) return null;
      const state = newMendState(plan);
      await app.run(mendSteps(plan), state);
      await remarkChanged(app, state.record);
      return state.record.container?.name ?? null;
    });
  } catch (error) {
    if (!(error instanceof ParaError) || error.code === 'INTERRUPTED') throw error;
    app.output.warn(`The container can not be made again now: ${error.message}; later: para recover ${name}`);
    return null;
  }
}

interface Back {
  readonly plan: RecoverPlan;
  readonly state: RecoverState;
}

async function recover(app: App, plan: RecoverPlan): Promise<Back> {
  const state = newRecoverState();
  await app.run(recoverSteps(plan), state);
  return { plan, state };
}

function say(app: App, { plan, state }: Back, container: string | null): void {
  const { name, branch, worktree_path: worktree } = plan.record;
  const facts = {
    name,
    branch,
    worktree,
    archive: plan.archived.archive.time,
    snapshot: plan.archived.snapshot ?? null,
    ignored_files: state.filesBack,
    kept: state.kept,
    container,
  };
  for (const kept of state.kept)
    app.output.warn(`An earlier recover was cut short; what was in the worktree since is kept: ${kept}`);
  app.output.answer({ session: facts }, () =>
    [
      `Session ${name} is back`,
      `  branch    ${branch}`,
      `  worktree  ${worktree}`,
      ...(container === null ? [] : [`  container ${container}`]),
      '',
      `Go there:    cd ${shellQuote(worktree)}`,
    ].join('\n'),
  );
}

/** A list to choose from on a terminal; elsewhere the list itself. */
async function choose(app: App): Promise<Archived | undefined> {
  const { archived, broken } = await listArchived(await app.repository());
  for (const ref of broken) app.output.warn(`${ref} can not be read; it is left as it is`);
  if (archived.length > 0 && canAsk(app.output)) return askWhich(app, archived);
  const rows = archived.map(({ archive, record, snapshot }) => ({
    session: archive.session,
    time: archive.time,
    branch: record.branch,
    uncommitted: snapshot !== undefined,
  }));
  app.output.answer({ archives: rows }, () =>
    rows.length === 0
      ? 'Nothing is archived here.'
      : [
          ...rows.map(({ session, time, branch }) => `${session}  ${time}  ${branch}`),
          '',
          'para recover SESSION [--at TIME]',
        ].join('\n'),
  );
  return undefined;
}

function askWhich(app: App, archived: readonly Archived[]): Promise<Archived> {
  const choices = archived.map((one) => ({
    name: `${one.archive.session}  (${one.record.branch}, cancelled ${age(archiveDate(one.archive.time).toISOString(), app.now())} ago${one.snapshot === undefined ? '' : ', with uncommitted work'})`,
    value: one,
  }));
  return ask(app.output, 'Which session?', choices);
}
