/** All sessions again and again, as `monitor` shows them, and what falls over put back up meanwhile. */
import { knownError } from '../sys/files.ts';
import type { ListContext } from './list.ts';
import { watchSessions, type Effort, type Overview } from './overview.ts';
import { seeToSessions, type SuperviseContext, type Watch } from './supervise.ts';
import { watchEngines, type Round } from './watch-engines.ts';

/** Milliseconds for which what was done is told. */
const NEWS_MS = 15_000;

/**
 * Watches the sessions and sees to their containers: health checks, restarts where the settings want them, and what is
 * written for other programs. Each engine is asked once a look, for both; a look does not wait for what is done.
 * @returns a look, whose remarks have what was done lately, and what could not be
 */
export function watchOver(context: ListContext & SuperviseContext): (effort: Effort) => Promise<Overview> {
  const engines = watchEngines(context);
  const see = seeToSessions(context, { engines, isWhole: true });
  const done = createNews(() => context.now().getTime());
  let running: Promise<void> | undefined;
  const onRound = (round: Round): void => {
    running ??= see(round, false)
      .then(done.tell, done.fail)
      .finally(() => (running = undefined));
  };
  const look = watchSessions(context, engines, onRound);
  return async (effort) => {
    const { sessions, remarks } = await look(effort);
    return { sessions, remarks: [...new Set([...done.lately(), ...remarks])] };
  };
}

/** What was done, for as long as it is news, and what the last round could not do. */
interface News {
  readonly tell: (watch: Watch) => void;
  readonly fail: (error: unknown) => void;
  readonly lately: () => readonly string[];
}

function createNews(now: () => number): News {
  let news: readonly { readonly text: string; readonly at: number }[] = [];
  let trouble: readonly string[] = [];
  return {
    tell: ({ events, remarks }) => {
      const told = events.filter(({ what }) => what !== 'health');
      news = [...told.map(({ session, text }) => ({ text: `${session}: ${text}`, at: now() })), ...news];
      trouble = remarks;
    },
    fail: (error) => {
      const why = knownError(error)?.message ?? String(error);
      trouble = [`containers are not seen to: ${why}`];
    },
    lately: () => {
      news = news.filter(({ at }) => now() - at < NEWS_MS);
      return [...news.map(({ text }) => text), ...trouble];
    },
  };
}
