/** Starting a session's agent, in the background and without para. */
import { join } from 'node:path';
import type { AgentRecord, SessionRecord } from '../config/generated/types.ts';
import { INSIDE } from '../docker/spec.ts';
import { ParaError } from '../errors.ts';
import type { Step } from '../pipeline/step.ts';
import { replaceFile } from '../sys/files.ts';
import { describeEnd } from '../sys/run.ts';
import { agentRecordFile, findHere, readAgentRun, runName, RUN_VARIABLE } from './agent-run.ts';
import { AGENT_SCRIPT } from './agent-script.ts';
import { prepareSite, runAt, seenAs, type Site, type SiteContext } from './site.ts';

/** What is to be run. */
export interface AgentJob {
  /** With placeholders. */
  readonly command: readonly string[];
  readonly prompt: string;
  readonly id: string;
  readonly now: Date;
  /** Those of its container; it has some of them as variables. */
  readonly secrets?: MadeWith['secrets'];
}

type MadeWith = NonNullable<NonNullable<SessionRecord['container']>['made_with']>;

/** An agent that was started. */
export interface StartedAgent {
  readonly run: number;
  /** Of the process that looks after it; in the container's numbering when it runs there. */
  readonly pid: number;
  readonly command: readonly string[];
  /** On the host. */
  readonly log: string;
}

/** A log of more bytes is set aside once, so at most about twice of it is kept. */
const LOG_BYTES = 64 * 1024 * 1024;
const LOOK_SECONDS = 10;

/** The last step of a start: hands what it started to `onStart`. A failure undoes the start. */
export function agentStep<C>(
  context: SiteContext,
  site: Site,
  job: AgentJob,
  onStart: (agent: StartedAgent) => void,
): Step<C> {
  return {
    title: 'Starting the agent',
    run: async (_state, note) => {
      note(job.command[0] ?? '');
      onStart(await startAgent(context, site, job));
    },
    // Removing the container ends what runs in it.
    undo: async () => {
      if (site.container === undefined) await stopHere(site);
    },
  };
}

/**
 * Starts the agent and does not wait for it. Its record is written first, so that one that was started by a para
 * that died at once is known. @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, COMMAND_FAILED
 */
export async function startAgent(context: SiteContext, site: Site, job: AgentJob): Promise<StartedAgent> {
  await prepareSite(site);
  const run = ((await readAgentRun(site.stateDir))?.record.run ?? 0) + 1;
  const prompt = `prompt-${String(run)}.txt`;
  const command = job.command.map((word) =>
    word.replaceAll('{prompt_file}', seenAs(site, 'cmd', prompt)).replaceAll('{session}', site.session),
  );
  await replaceFile(join(site.stateDir, 'cmd', 'agent.sh'), AGENT_SCRIPT);
  await replaceFile(join(site.stateDir, 'cmd', prompt), job.prompt);
  await replaceFile(agentRecordFile(site.stateDir), `${JSON.stringify(toRecord(site, job, run, command))}\n`);
  const base = seenAs(site, 'logs', runName(run));
  const argv = [
    ...['sh', seenAs(site, 'cmd', 'agent.sh'), 'launch', base, job.id, seenAs(site, 'cmd', prompt)],
    ...[String(LOG_BYTES), String(LOOK_SECONDS), ...command],
  ];
  const env = { [RUN_VARIABLE]: job.id, ...secretVariables(job) };
  const launched = await runAt(context, site, { argv, env, timeoutMs: 30_000 });
  const pid = /^(\d{1,10})\n$/.exec(launched.stdout)?.[1];
  if (launched.exitCode !== 0 || pid === undefined)
    throw notStarted(
      site,
      command[0] ?? '',
      launched.exitCode,
      launched.stderr.trim() || describeEnd(launched),
    );
  return { run, pid: Number(pid), command, log: join(site.stateDir, 'logs', `${runName(run)}.log`) };
}

/** Names alone: the values are read inside. */
function secretVariables({ secrets = [] }: AgentJob): Readonly<Record<string, string>> {
  const pairs = secrets.flatMap(({ name, as_env: variable }) =>
    variable === undefined ? [] : [`${variable}=${name}`],
  );
  return pairs.length === 0 ? {} : { PARA_AGENT_SECRETS: pairs.join(' '), PARA_SECRETS_DIR: INSIDE.secrets };
}

function toRecord(site: Site, job: AgentJob, run: number, command: readonly string[]): AgentRecord {
  return {
    schema: 1,
    id: job.id,
    run,
    command: [...command] as AgentRecord['command'],
    container: site.container?.name ?? null,
    started_at: job.now.toISOString(),
  };
}

function notStarted(site: Site, program: string, code: number | undefined, why: string): ParaError {
  const where = site.container === undefined ? 'on this machine' : 'in the container';
  if (code === 127)
    return new ParaError('COMMAND_NOT_FOUND', `there is no ${program} ${where}`, {
      hint:
        site.container === undefined
          ? 'Install it, or name another one: para config set agent.preset …'
          : 'Take an image that has it (--image), or install it there (--setup-script).',
    });
  if (code === 126)
    return new ParaError('COMMAND_NOT_EXECUTABLE', `${program} can not be run ${where}`, {
      hint: 'chmod +x it, or name another one: para config set agent.command …',
    });
  return new ParaError('COMMAND_FAILED', `the agent could not be started ${where}: ${why}`);
}

async function stopHere(site: Site): Promise<void> {
  const run = await readAgentRun(site.stateDir);
  const pid = run === undefined || run.end !== undefined ? undefined : await findHere(run);
  if (pid !== undefined) process.kill(pid, 'SIGTERM');
}
