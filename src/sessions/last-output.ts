/** The last lines that a session printed: its agent or its set-up, else the main process of its container. */
import { lstat } from 'node:fs/promises';
import { ParaError } from '../errors.ts';
import { openRegular } from '../sys/untrusted.ts';
import { readAgentRun } from './agent-run.ts';
import type { ContainerContext } from './containers.ts';
import { findPlaces } from './find.ts';
import { planLogs, readLogs } from './logs.ts';
import { setupLog } from './setup.ts';

const MOST_BYTES = 16 * 1024;
const MOST_LINES = 100;
/** An engine is asked by a process of its own each time. */
const ASK_AGAIN_MS = 10_000;

/** What reading needs of the App. */
export interface OutputContext extends ContainerContext {
  now(): Date;
}

/** Reads again and again: files each time, an engine now and then. */
export function readLastOutput(context: OutputContext): (session: string) => Promise<readonly string[]> {
  const asked = new Map<string, { readonly at: number; readonly lines: readonly string[] }>();
  return async (session) => {
    const newest = await newestLog((await findPlaces(context)).docker(session));
    if (newest !== undefined) return linesOf(await tailOf(newest));
    const before = asked.get(session);
    const now = context.now().getTime();
    if (before !== undefined && now - before.at < ASK_AGAIN_MS) return before.lines;
    const lines = linesOf(await ofContainer(context, session));
    asked.set(session, { at: now, lines });
    return lines;
  };
}

function linesOf(text: string): readonly string[] {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-MOST_LINES);
}

/**
 * The directory of logs is the container's too, and may hold any number of files: only those that para has written are
 * looked at, and only if they are plain files.
 */
async function newestLog(stateDir: string): Promise<string | undefined> {
  const run = await readAgentRun(stateDir);
  const logs = [setupLog(stateDir), ...(run === undefined ? [] : [run.log])];
  const found = await Promise.all(
    logs.map(async (path) => {
      const stat = await lstat(path).catch(() => undefined);
      return stat?.isFile() === true ? [{ path, at: stat.mtimeMs }] : [];
    }),
  );
  return found.flat().toSorted((a, b) => b.at - a.at)[0]?.path;
}

async function tailOf(path: string): Promise<string> {
  const file = await openRegular(path);
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, MOST_BYTES));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, Math.max(0, size - MOST_BYTES));
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** One that has no container, or whose engine does not answer, printed nothing that could be shown. */
async function ofContainer(context: OutputContext, session: string): Promise<string> {
  const wish = { session, follow: false, tail: String(MOST_LINES), since: undefined, timestamps: false };
  try {
    return await readLogs(await planLogs(context, wish, context.now()));
  } catch (error) {
    if (error instanceof ParaError && error.code !== 'INTERRUPTED') return '';
    throw error;
  }
}
