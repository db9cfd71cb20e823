import { ParaError } from '../../errors.ts';
import {
  adoptSteps,
  isHalfAdopted,
  newAdoptState,
  planAdopt,
  withAdoptPlan,
  type AdoptPlan,
  type AdoptRequest,
} from '../../sessions/adopt.ts';
import { startSessionContainer } from '../../sessions/start-stop.ts';
import { changedSinceMade } from '../../sessions/docker-file.ts';
import { findSession } from '../../sessions/find.ts';
import { sharedLogins } from '../../sessions/shared-login.ts';
import { describeSecrets, vaultOfRecord } from '../../sessions/vault.ts';
import type { App } from '../app.ts';
import { containerFlags, givenOption, LIKENESS_OPTIONS } from '../container-flags.ts';
import { defineCommand } from '../define.ts';
import { lent, warnOfSharedLogins } from '../start-line.ts';

export default defineCommand({
  command: 'start [session]',
  changes: true,
  describe: 'Start the container of a session; one that has none is given one',
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {
    ...LIKENESS_OPTIONS,
    'dry-run': { type: 'boolean', default: false, describe: 'Say what would be done, and do nothing' },
  },
  examples: [
    ['$0 docker start fix-login', ''],
    ['$0 docker start fix-login --image node:22 --port 3000', 'when it has had none until now'],
  ],
  async run(args, app) {
    const { places, record } = await findSession(app, args['session'] as string | undefined);
    const { name, container } = record;
    if (container === null || isHalfAdopted(record)) {
      const request = { session: name, flags: await containerFlags(args, app) };
      return args['dry-run'] ? say(app, await planAdopt(app, request)) : adopt(app, request);
    }
    const given = givenOption(args);
    if (given !== undefined)
      throw new ParaError('USAGE', `${name} has a container already: --${given} is for a new one`, {
        hint: `To make it anew, with all its commits:\npara docker stop ${name} --remove`,
      });
    const changed = await changedSinceMade(record);
    if (changed !== undefined) app.output.warn(changed);
    const vault = await vaultOfRecord(app, container);
    for (const warning of await sharedLogins({ places, session: name, vault })) app.output.warn(warning);
    if (!args['dry-run']) return start(app, name);
    const plan = { session: name, container: { ...container, made_with: undefined } };
    app.output.answer({ dry_run: true, plan }, () => `Would start ${container.name}`);
    return 0;
  },
});

function fileChanged({ session }: AdoptPlan): string {
  return `The .para/docker.json of ${session} is not the one that it was started from, which is used. To look at it, and to use it from then on: para docker trust ${session}`;
}

async function start(app: App, name: string): Promise<number> {
  const { session, container } = await startSessionContainer(app, name);
  app.output.answer(
    { session, container, state: 'running', made: false },
    () => `The container of ${session} is running`,
  );
  return 0;
}

async function adopt(app: App, request: AdoptRequest): Promise<number> {
  const made = await withAdoptPlan(app, request, async (plan) => {
    const { notEnforced } = plan.container;
    if (plan.isFileChanged) app.output.warn(fileChanged(plan));
    if (notEnforced.length > 0)
      app.output.note(`The engine does not enforce limits on ${notEnforced.join(', ')} here`);
    await warnOfSharedLogins(app, plan);
    await plan.container.vault.open();
    await app.run(adoptSteps(plan), newAdoptState());
  });
  if (made === undefined) return start(app, request.session);
  const { session, record } = made;
  app.output.answer(
    { session, container: record.container?.name, state: 'running', made: true },
    () =>
      `${session} has a container now, and it is running: ${described(made)}\n  para docker exec ${session} -- sh`,
  );
  return 0;
}

function say(app: App, plan: AdoptPlan): number {
  const { session, record } = plan;
  if (plan.isFileChanged) app.output.warn(fileChanged(plan));
  const secrets = describeSecrets(plan.container.vault);
  app.output.answer(
    { dry_run: true, plan: { session, container: { ...record.container, made_with: undefined }, secrets } },
    () =>
      [
        `Would give ${session} a container: ${described(plan)}`,
        ...secrets.map(({ name, source }) => `with the secret ${name} (${source})`),
      ].join('\n'),
  );
  return 0;
}

function described({ record }: AdoptPlan): string {
  const { container } = record;
  return container === null
    ? ''
    : `${container.name} (${container.engine}, ${container.image}, ${container.image_source})${lent(record)}`;
}
