/** Which processes a command starts itself, counted by strace(1): children of its own, not theirs. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { World } from './para.ts';

/** Program names of the processes that para started, in order. @throws when para failed */
export async function spawnsOf(world: World, cwd: string, args: readonly string[]): Promise<string[]> {
  const log = join(world.dir, 'tmp', 'strace');
  const trace = ['strace', '-f', '-qq', '-e', 'trace=execve,clone,clone3,vfork,fork', '-e', 'signal=none'];
  await world.out([...trace, '-o', log, process.execPath, world.binary, ...args], { cwd });
  return readTrace(readFileSync(log, 'utf8'));
}

/** A line is `PID call(…) = result`. A child may run before the line that says who made it. */
function readTrace(text: string): string[] {
  const calls = wholeCalls(text);
  const para = calls[0]?.pid;
  const parents = new Map<string, string>();
  const leaders = new Map<string, string>();
  for (const { pid, call } of calls) {
    const made = /^(?:clone3?|v?fork)\(.*= (\d+)$/.exec(call)?.[1];
    if (made !== undefined) (call.includes('CLONE_THREAD') ? leaders : parents).set(made, pid);
  }
  const maker = (pid: string): string => leaders.get(parents.get(pid) ?? '') ?? parents.get(pid) ?? '';
  return calls.flatMap(({ pid, call }) => {
    const file = /^execve\("([^"]+)".* = 0$/.exec(call)?.[1];
    return file !== undefined && maker(pid) === para ? [basename(file)] : [];
  });
}

/** Puts a call together again that another process's line cut in two. */
function wholeCalls(text: string): { readonly pid: string; readonly call: string }[] {
  const begun = new Map<string, string>();
  return text.split('\n').flatMap((line) => {
    const [, pid, rest] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (pid === undefined || rest === undefined) return [];
    if (!rest.endsWith('<unfinished ...>'))
      return [{ pid, call: rest.replace(/^<\.\.\. \w+ resumed>/, () => begun.get(pid) ?? '') }];
    begun.set(pid, rest.replace('<unfinished ...>', ''));
    return [];
  });
}
