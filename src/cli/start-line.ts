/** What `start` and `dispatch` share: options, the start itself, and what is said of it. */
import type { InferredOptionTypes } from 'yargs';
import { chooseAgent } from '../config/agents.ts';
import { agentStep, type AgentJob, type StartedAgent } from '../sessions/agent.ts';
import { settleCutShort } from '../sessions/cut-short.ts';
import { requireFits } from '../sessions/prompt.ts';
import { siteOf, type Site } from '../sessions/site.ts';
import { planSetup, setupStep, type SetupPlan, type SetupScript } from '../sessions/setup.ts';
import { newStartState, startSteps, type StartState } from '../sessions/start-steps.ts';
import { planStart, withNewSession, type StartPlan } from '../sessions/start.ts';
import type { SessionRecord } from '../sessions/store.ts';
import { readApprovals } from '../sessions/trust.ts';
import { sharedLogins } from '../sessions/shared-login.ts';
import { describeSecrets } from '../sessions/vault.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { agentLines, describeAgent } from './agent-lines.ts';
import type { App } from './app.ts';
import { containerFlags, CONTAINER_OPTIONS, wantsContainer } from './container-flags.ts';

/** The options of `start` and `dispatch`, which differ only in how the prompt is given. */
export const START_OPTIONS = {
  prompt: {
    alias: 'p',
    type: 'string',
    requiresArg: true,
    describe: 'Let the agent of your settings work on this; - reads it from stdin',
  },
  file: {
    alias: 'f',
    type: 'string',
    requiresArg: true,
    describe: 'The same from a file; - is stdin',
  },
  ...CONTAINER_OPTIONS,
  'setup-script': {
    type: 'string',
    requiresArg: true,
    describe: 'Run this once when the session is made, in the container if there is one',
    defaultDescription: '.para/setup-docker.sh, .para/setup.sh',
  },
  base: {
    type: 'string',
    requiresArg: true,
    describe: 'Branch or commit to start from',
    defaultDescription: 'HEAD',
  },
  'dry-run': { type: 'boolean', default: false, describe: 'Say what would be made, and make nothing' },
} as const;

/** What the options hold when they were parsed. */
export type StartArgs = InferredOptionTypes<typeof START_OPTIONS>;

/** A session to start from the command line. */
export interface StartLine {
  readonly name: string | undefined;
  /** Undefined: no agent is started. */
  readonly prompt: string | undefined;
}

/** Runs `start` or `dispatch`. @returns the exit code */
export async function startSession(args: StartArgs, app: App, line: StartLine): Promise<number> {
  const flags = await containerFlags(args, app);
  const request = { name: line.name, base: args.base, docker: wantsContainer(args), flags };
  const earlier = args['dry-run'] ? undefined : await settleCutShort(app, request.name);
  if (earlier !== undefined)
    app.output.note(`An earlier start of ${earlier.record.name} was cut short: it is ${earlier.how}`);
  if (earlier?.how === 'taken up') {
    const { record } = earlier;
    app.output.answer({ session: describe(record) }, (paint) =>
      text(record, undefined, paint.bold(record.name)),
    );
    return 0;
  }
  const plan = await planStart(app, request);
  const job = line.prompt === undefined ? undefined : await planAgent(app, plan, line.prompt);
  const setup = await setupOf(app, plan, args['setup-script']);
  const free = plan.container?.notEnforced ?? [];
  if (free.length > 0) app.output.note(`The engine does not enforce limits on ${free.join(', ')} here`);
  await warnOfSharedLogins(app, plan);
  const wanted = { plan, job, setup: setup.script };
  if (args['dry-run']) return sayWhatWouldBe(app, wanted);
  await plan.container?.vault.open();
  const { agent, record } = await start(app, wanted);
  app.output.answer(
    { session: describe(record), ...(agent === undefined ? {} : { agent: describeAgent(agent) }) },
    (paint) => text(record, agent, paint.bold(plan.session)),
  );
  return 0;
}

/** Says which logins two containers will take from each other. */
export async function warnOfSharedLogins(
  { output }: App,
  plan: Pick<StartPlan, 'places' | 'session' | 'repo' | 'container'>,
): Promise<void> {
  const { places, session, repo, container } = plan;
  if (container === undefined) return;
  const { vault, service } = container;
  const use = { places, session, vault, engine: { service, repoId: repo.id } };
  for (const warning of await sharedLogins(use)) output.warn(warning);
}

interface Wanted {
  readonly plan: StartPlan;
  readonly job: AgentJob | undefined;
  readonly setup: SetupScript | undefined;
}

function sayWhatWouldBe(app: App, { plan, job, setup }: Wanted): number {
  const agent = job === undefined ? {} : { agent: { command: job.command } };
  const secrets = plan.container === undefined ? [] : describeSecrets(plan.container.vault);
  const facts = { plan: describe(plan.record), setup_script: setup?.path ?? null, secrets, ...agent };
  app.output.answer({ dry_run: true, ...facts }, () =>
    [
      `Would start ${summary(plan)}`,
      ...secrets.map(({ name, source }) => `with the secret ${name} (${source})`),
      ...(setup === undefined ? [] : [`run ${setup.path}`]),
      ...(job === undefined ? [] : [`and let work: ${job.command.join(' ')}`]),
    ].join('\n'),
  );
  return 0;
}

/** What was made, and who works in it. */
interface Started {
  readonly agent: StartedAgent | undefined;
  readonly record: SessionRecord;
}

async function start(app: App, { plan, job, setup }: Wanted): Promise<Started> {
  const state = newStartState(plan);
  let agent: StartedAgent | undefined;
  const steps = job === undefined ? [] : [agentStep(app, startSite(plan), job, (made) => (agent = made))];
  const setups = setup === undefined ? [] : [setupStep<StartState>(app, startSite(plan), setup)];
  await withNewSession(plan, () => app.run([...startSteps(plan, setups), ...steps], state));
  return { agent, record: state.record };
}

async function setupOf(app: App, plan: StartPlan, flag: string | undefined): Promise<SetupPlan> {
  const { config } = await app.config();
  const found = await planSetup({
    ...{ cwd: app.cwd, root: plan.repo.root, flag, inContainer: plan.container !== undefined },
    allowed: config.session.setup_allowed,
    approvals: await readApprovals(app.trustDir, plan.repo.root),
  });
  if (found.skipped !== undefined) app.output.warn(skipped(found.skipped));
  return found;
}

function skipped(path: string): string {
  return `${path} is not run: a repository's script runs on this machine only if you say so (now: --setup-script ${path}; as it is, always: para docker trust)`;
}

async function planAgent(app: App, plan: StartPlan, prompt: string): Promise<AgentJob> {
  const { command } = chooseAgent(await app.config(), plan.container !== undefined);
  requireFits(command, prompt);
  const secrets = plan.record.container?.made_with?.secrets;
  return { command, prompt, id: app.newId(), now: app.now(), secrets };
}

function startSite({ session: name, worktree, places, container, record }: StartPlan): Site {
  const box = container && { name: record.container?.name ?? '', service: container.service };
  return siteOf(places, { name, worktree }, box);
}

function describe(record: SessionRecord): Record<string, unknown> {
  const { name, branch, base, worktree_path: worktree, container } = record;
  return { name, branch, base, worktree, container: container && { ...container, made_with: undefined } };
}

function summary({ session, branch, record }: StartPlan): string {
  const container =
    record.container === null
      ? ''
      : `, container ${record.container.name} from ${record.container.image} (${record.container.image_source})${lent(record)}`;
  return `${session}: branch ${branch}${container}`;
}

/** What is said of a container that has the ssh agent. */
export function lent({ container }: SessionRecord): string {
  return container?.ssh_agent === true ? ', with your ssh agent' : '';
}

function text(record: SessionRecord, agent: StartedAgent | undefined, name: string): string {
  const { name: session, branch, worktree_path: worktree, container } = record;
  const lines = [`Session ${name}`, `  branch    ${branch}`, `  worktree  ${worktree}`];
  if (container !== null)
    lines.push(
      `  container ${container.name} (${container.engine}, ${container.image}, ${container.image_source})${lent(record)}`,
    );
  lines.push('');
  if (agent !== undefined) lines.push(...agentLines(session, agent, container !== null), '');
  if (container !== null) lines.push(`Work in it:  para docker exec ${session} -- sh`);
  lines.push(
    `Go there:    cd ${shellQuote(worktree)}`,
    `When done:   para finish "What was done" ${session}`,
  );
  return lines.join('\n');
}
