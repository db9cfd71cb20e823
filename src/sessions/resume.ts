/** Going on with a session: its container runs again, and its agent is told more. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseAgent } from '../config/agents.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { startAgent, type AgentJob, type StartedAgent } from './agent.ts';
import { readAgentRun, requireNoAgentHere, RUN_VARIABLE, type AgentRun } from './agent-run.ts';
import { requireContainer } from './containers.ts';
import { findSession, type FindContext, type Found } from './find.ts';
import { requireFits } from './prompt.ts';
import { requireShut } from './proxy.ts';
import { runAt, siteOf, type Site, type SiteContext } from './site.ts';
import { wakeForPerson } from './start-stop.ts';
import type { VaultContext } from './vault.ts';
import { lockSession, type SessionRecord } from './store.ts';
import { isThere } from '../sys/files.ts';

/** What resuming needs of the App. */
export interface ResumeContext extends FindContext, SiteContext, VaultContext {
  config(): Promise<LoadedConfig>;
  dockerFor(engine: EngineName): Promise<DockerService>;
  now(): Date;
  newId(): string;
}

/** What a person asked for. */
export interface ResumeRequest {
  readonly session: string | undefined;
  readonly prompt: string | undefined;
}

/** What is so now. */
export interface Resumed {
  readonly record: SessionRecord;
  /** What was done to the container: null without one. */
  readonly container: 'started' | 'unpaused' | 'ran already' | null;
  /** Undefined when there was nothing to tell one. */
  readonly agent: StartedAgent | undefined;
}

/** What an agent is told that is to go on, and nobody said with what. */
const GO_ON = 'Go on where you stopped.';

/**
 * Starts a stopped container; then, with a prompt or when an agent was at work before, the agent.
 * @throws REFUSED while the agent still runs, CONTAINER_NOT_FOUND, CONFIG_INVALID, USAGE, BUSY
 */
export async function resumeSession(context: ResumeContext, request: ResumeRequest): Promise<Resumed> {
  const { places, record } = await findSession(context, request.session);
  await requireActive(record);
  return lockSession(places, record.name, 'resumes the session', async () => {
    const session = { name: record.name, worktree: record.worktree_path };
    const service = record.container === null ? undefined : await context.dockerFor(record.container.engine);
    const container = record.container && service && { name: record.container.name, service };
    const site = siteOf(places, session, container ?? undefined);
    const run = await readAgentRun(site.stateDir);
    const job = await planJob(context, { record, site, run, prompt: request.prompt });
    const woken = await wake(context, { places, record }, site);
    if (run !== undefined) await requireEnded(context, site, run);
    const secrets = record.container?.made_with?.secrets;
    const agent = job === undefined ? undefined : await startAgent(context, site, { ...job, secrets });
    return { record, container: woken, agent };
  });
}

async function requireActive({
  name,
  status,
  branch,
  worktree_path: worktree,
}: SessionRecord): Promise<void> {
  if (status === 'review')
    throw new ParaError('REFUSED', `the session ${name} is finished`, {
      hint: `Its work is on the branch ${branch}. To go on from there:\npara start ${name}-2 --base ${shellQuote(branch)}`,
    });
  if (status !== 'active')
    throw new ParaError('REFUSED', `the session ${name} is half done (${status})`, {
      hint: 'What settles it:\npara list',
    });
  if (!(await isThere(worktree)))
    throw new ParaError('REFUSED', `the worktree of ${name} is gone: ${worktree}`, {
      hint: `para recover ${name}`,
    });
}

interface Wanted {
  readonly record: SessionRecord;
  readonly site: Site;
  readonly run: AgentRun | undefined;
  readonly prompt: string | undefined;
}

/** Decided before anything is started. Undefined: nobody is to be told anything. */
async function planJob(
  context: ResumeContext,
  { record, site, run, prompt }: Wanted,
): Promise<AgentJob | undefined> {
  if (prompt === undefined && run === undefined) return undefined;
  const { command, resumeCommand } = chooseAgent(await context.config(), site.container !== undefined);
  // Another program knows nothing of what was said to this one.
  const followUp = run?.record.command[0] === resumeCommand?.[0] ? resumeCommand : undefined;
  if (prompt === undefined && followUp === undefined)
    throw new ParaError(
      'USAGE',
      `the agent of ${record.name} can not go on by itself: it has no agent.resume_command`,
      {
        hint: `Say what it is to do:\npara resume ${record.name} -p "…"`,
      },
    );
  const words = followUp ?? command;
  requireFits(words, prompt ?? GO_ON);
  return { command: words, prompt: prompt ?? GO_ON, id: context.newId(), now: context.now() };
}

async function wake(
  context: ResumeContext,
  found: Found,
  { session, container, stateDir, worktree }: Site,
): Promise<Resumed['container']> {
  if (container === undefined) return null;
  const { name, service } = container;
  const info = await service.status(name);
  if (info === undefined)
    throw new ParaError('CONTAINER_NOT_FOUND', `the container of ${session} is gone`, {
      hint: `The worktree is untouched: cd ${shellQuote(worktree)}`,
    });
  if (info.state === 'running') return 'ran already';
  if (info.state === 'paused') {
    await requireShut(context, service, requireContainer(found.record));
    await service.unpauseContainer(name);
    return 'unpaused';
  }
  const ready = join(stateDir, 'out', 'ready');
  const before = await timeOf(ready);
  await wakeForPerson(context, service, found);
  // What tells a run of before this start from one after it must be there first (agent-run.ts).
  for (let waited = 0; waited < 5_000 && (await timeOf(ready)) === before; waited += 20) await sleep(20);
  return 'started';
}

async function timeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.mtimeMs;
}

const FIND_INSIDE =
  'for p in /proc/[0-9]*; do if tr "\\0" "\\n" <"$p/environ" 2>/dev/null | grep -qx "$1"; then echo "${p#/proc/}"; exit; fi; done';

/** Two agents in one worktree would undo each other's work. @throws REFUSED */
async function requireEnded(context: ResumeContext, site: Site, run: AgentRun): Promise<void> {
  if (site.container === undefined) return requireNoAgentHere(site.session, site.stateDir);
  const pid = run.end === undefined ? await findInside(context, site, run) : undefined;
  if (pid === undefined) return;
  const kill = `para docker exec ${site.session} -- kill ${String(pid)}`;
  throw new ParaError(
    'REFUSED',
    `the agent of ${site.session} still runs (pid ${String(pid)} in the container)`,
    {
      hint: `Look what it does:\ntail -f ${shellQuote(run.log)}\nor end it:\n${kill}`,
      details: { pid, log: run.log },
    },
  );
}

async function findInside(context: ResumeContext, site: Site, run: AgentRun): Promise<number | undefined> {
  const mark = `${RUN_VARIABLE}=${run.record.id}`;
  const { stdout } = await runAt(context, site, {
    argv: ['sh', '-c', FIND_INSIDE, 'sh', mark],
    timeoutMs: 30_000,
  });
  const pid = /^(\d{1,10})\n/.exec(stdout)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
