/** What is known of a session's agent: which run it is in, whether it still runs, how it ended. Reads only. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentRecord } from '../config/generated/types.ts';
import { isAgentRecord } from '../config/records.ts';
import { ParaError } from '../errors.ts';
import { readOwnFile } from '../sys/files.ts';
import { shellQuote } from '../sys/shell-quote.ts';

/** The last run of a session's agent. */
export interface AgentRun {
  readonly record: AgentRecord;
  /** What it printed, on the host. */
  readonly log: string;
  /** As its own supervisor says it: in the container's numbering when it runs there. */
  readonly pid: number | undefined;
  readonly end: { readonly exitCode: number; readonly at: Date } | undefined;
}

/** `gone`: it ended without a word, as when its container was stopped or the machine went down. */
export type AgentState = 'running' | 'exited' | 'gone';

/** The variable by which a run's processes are known. */
export const RUN_VARIABLE = 'PARA_AGENT_RUN';

const MAX_RECORD = 256 * 1024;

/** The file that names the last run; what runs in the container can not write it. */
export function agentRecordFile(stateDir: string): string {
  return join(stateDir, 'cmd', 'agent.json');
}

/** Name of a run's files without their endings. */
export function runName(run: number): string {
  return `agent-${String(run)}`;
}

/** The last run; undefined when there was none. What the run itself wrote is read as from a stranger. */
export async function readAgentRun(stateDir: string): Promise<AgentRun | undefined> {
  const record = parseRecord(await readOwnFile(agentRecordFile(stateDir), MAX_RECORD).catch(() => undefined));
  if (record === undefined) return undefined;
  const base = join(stateDir, 'logs', runName(record.run));
  const pid = /^\d{1,10}\n$/.exec((await told(`${base}.pid`)) ?? '');
  return {
    record,
    log: `${base}.log`,
    pid: pid === null ? undefined : Number(pid[0]),
    end: await readEnd(`${base}.end`, record.id),
  };
}

/**
 * Whether it still runs, without asking an engine. `container` is the state of its container, undefined when that is
 * not known.
 */
export async function agentState(
  run: AgentRun,
  stateDir: string,
  container: string | undefined,
): Promise<AgentState> {
  if (run.end !== undefined) return 'exited';
  if (run.record.container === null) return (await findHere(run)) === undefined ? 'gone' : 'running';
  if (container !== undefined && container !== 'running' && container !== 'paused') return 'gone';
  // The container's main process writes this file anew at each start, and no agent outlives that process.
  const [made, launched] = await Promise.all(
    [join(stateDir, 'out', 'ready'), agentRecordFile(stateDir)].map((file) =>
      stat(file).catch(() => undefined),
    ),
  );
  return made !== undefined && launched !== undefined && made.mtimeMs > launched.mtimeMs ? 'gone' : 'running';
}

/** What a list shows of an agent. */
export interface AgentSummary {
  readonly state: AgentState;
  readonly exit_code: number | null;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly log: string;
}

/** The last run in a few words; null when there was none. `container` as in `agentState`. */
export async function summariseAgent(
  stateDir: string,
  container: string | undefined,
): Promise<AgentSummary | null> {
  const run = await readAgentRun(stateDir);
  if (run === undefined) return null;
  return {
    state: await agentState(run, stateDir, container),
    exit_code: run.end?.exitCode ?? null,
    started_at: run.record.started_at,
    ended_at: run.end?.at.toISOString() ?? null,
    log: run.log,
  };
}

/** An agent on this machine would go on in a worktree that is taken away. @throws REFUSED */
export async function requireNoAgentHere(session: string, stateDir: string): Promise<void> {
  const run = await readAgentRun(stateDir);
  if (run === undefined || run.end !== undefined || run.record.container !== null) return;
  const pid = await findHere(run);
  if (pid === undefined) return;
  throw new ParaError('REFUSED', `the agent of ${session} still runs (pid ${String(pid)})`, {
    hint: `Look what it does:\ntail -f ${shellQuote(run.log)}\nor end it:\nkill ${String(pid)}`,
    details: { pid, log: run.log },
  });
}

/** The pid of a process of this run on this machine. A pid alone may be somebody else's by now. */
export async function findHere({
  record,
  pid,
}: Pick<AgentRun, 'record' | 'pid'>): Promise<number | undefined> {
  const all = await readdir('/proc').catch(() => undefined);
  if (all === undefined) return pid !== undefined && isAlive(pid) ? pid : undefined;
  const mark = Buffer.from(`\0${RUN_VARIABLE}=${record.id}\0`);
  const own = String(pid ?? '');
  for (const name of [own, ...all.filter((entry) => /^\d+$/.test(entry) && entry !== own)]) {
    const environment = await readFile(`/proc/${name}/environ`).catch(() => undefined); // gone, or not ours
    if (environment !== undefined && Buffer.concat([Buffer.of(0), environment]).includes(mark))
      return Number(name);
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function parseRecord(text: string | undefined): AgentRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const data: unknown = JSON.parse(text);
    return isAgentRecord(data) ? (data as AgentRecord) : undefined;
  } catch {
    return undefined;
  }
}

async function readEnd(path: string, id: string): Promise<AgentRun['end']> {
  const match = /^([0-9a-f-]{36}) (\d{1,3})\n$/.exec((await told(path)) ?? '');
  const at = (await stat(path).catch(() => undefined))?.mtime;
  return match?.[1] === id && at !== undefined ? { exitCode: Number(match[2]), at } : undefined;
}

/** A short file that the run wrote; a link or anything else in its place says nothing. */
function told(path: string): Promise<string | undefined> {
  return readOwnFile(path, 1024).catch(() => undefined);
}
