/** What is said of an agent that was started. */
import type { StartedAgent } from '../sessions/agent.ts';
import { shellQuote } from '../sys/shell-quote.ts';

/** For --json. */
export function describeAgent({ run, pid, command, log }: StartedAgent): Record<string, unknown> {
  return { run, pid, command, log };
}

/** For people. */
export function agentLines(
  session: string,
  { pid, log }: StartedAgent,
  inContainer: boolean,
): readonly string[] {
  return [
    `Agent at work (pid ${String(pid)}${inContainer ? ' in the container' : ''}):`,
    `  its log     tail -f ${shellQuote(log)}`,
    `  tell more   para resume ${session} -p "…"   (when it has ended)`,
  ];
}
