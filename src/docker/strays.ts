/**
 * Processes that still watch a container the engine has no record of. An engine without a daemon leaves them behind
 * when its client is killed at the wrong moment; removing by name, and even removing all, does not reach them
 * (facts/security-reliability.md §3.2).
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { DockerService } from './service.ts';

/** One of them. */
export interface Stray {
  readonly pid: number;
  /** What it has started: the container's first process may still wait to be let go. */
  readonly children: readonly number[];
  /** The container's name; begins with `para-`. */
  readonly name: string;
  readonly id: string;
}

/** Those of containers of para's whose names begin with `prefix`. Nothing on an engine that has no such processes. */
export async function findStrays(service: DockerService, prefix = 'para-'): Promise<readonly Stray[]> {
  const program = service.engine.driver.monitor;
  if (program === undefined) return [];
  const before = await monitors(program, prefix);
  if (before.length === 0) return [];
  const known = new Set((await service.list({ 'para.repo': '' })).map(({ id }) => id));
  const unknown = before.filter(({ id }) => !known.has(id));
  // One whose container was removed in the ordinary way ends at that moment.
  const after = new Set((unknown.length === 0 ? [] : await monitors(program, prefix)).map(({ pid }) => pid));
  return unknown.filter(({ pid }) => after.has(pid));
}

/** The caller's own processes of the program, by what is in their command lines; none where there is no /proc. */
async function monitors(program: string, prefix: string): Promise<readonly Stray[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => monitorOf(pid, program)));
  return found.filter((one) => one !== undefined && one.name.startsWith(prefix)) as Stray[];
}

async function monitorOf(pid: string, program: string): Promise<Stray | undefined> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''); // it has ended
  const [file = '', ...args] = text.split('\0');
  if (basename(file) !== program) return undefined;
  if ((await stat(`/proc/${pid}`).catch(() => undefined))?.uid !== process.getuid?.()) return undefined;
  const after = (flag: string): string => args[args.indexOf(flag) + 1] ?? '';
  const [name, id] = [args.includes('-n') ? after('-n') : '', args.includes('-c') ? after('-c') : ''];
  if (!/^para-[0-9a-f]{8}-[a-z0-9-]+$/.test(name)) return undefined;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return { pid: Number(pid), children: (children.match(/\d+/g) ?? []).map(Number), name, id };
}

/** The command that ends them. */
export function endStrays(strays: readonly Stray[]): string {
  return `kill -9 ${strays.flatMap(({ pid, children }) => [pid, ...children].map(String)).join(' ')}`;
}
