/** Which processes a command starts itself, counted by strace(1): children of its own, not theirs. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './para.ts';

/** Program names of the processes that para started, in order. @throws when para failed */
export async function spawnsOf(world: World, cwd: string, args: readonly string[]): Promise<string[]> {
  const log = join(world.dir, 'tmp', 'strace');
  rmSync(log, { force: true });
  const trace = ['strace', '-f', '-q', '-e', 'trace=execve,clone,clone3,vfork,fork', '-e', 'signal=none'];
  const running = world.start([...trace, '-o', log, process.execPath, world.binary, ...args], { cwd });
  const ended = await paraEnds(log);
  // A container's monitor lives on, and strace would wait for it: on a signal it lets go and ends.
  running.child.kill('SIGTERM');
  const { stderr } = await running.ended;
  if (ended.code !== 0) throw new Error(`para ${args.join(' ')}: ${String(ended.code)}\n${stderr}`);
  return readTrace(ended.text);
}

/** Waits for the line that says how para itself ended. The first line is its first call. */
async function paraEnds(log: string): Promise<{ readonly text: string; readonly code: number }> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
    const para = /^\d+/.exec(text)?.[0] ?? 'none yet';
    const code = new RegExp(`^${para} +\\+\\+\\+ exited with (\\d+)`, 'm').exec(text)?.[1];
    if (code !== undefined) return { text, code: Number(code) };
    await sleep(20);
  }
  throw new Error('para did not end within a minute');
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
