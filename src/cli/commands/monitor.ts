import { setTimeout as sleep } from 'node:timers/promises';
import { ParaError } from '../../errors.ts';
import { startRound } from '../../sys/rest.ts';
import { watchSessions, type Overview } from '../../sessions/overview.ts';
import { withUsage } from '../../sessions/overview-usage.ts';
import { watchOver } from '../../sessions/watch-over.ts';
import { readStats } from '../../sessions/stats.ts';
import type { ContainerStats } from '../../sessions/stats-figures.ts';
import { overviewColumns } from '../../ui/overview-table.ts';
import { table } from '../../ui/table.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';

/** Longer than any engine call may take: whoever asks once wants an answer. */
const ONCE = { patienceMs: 120_000, counts: Infinity };
const LIVE = { patienceMs: 1_500, counts: 4 };
const LOOK_MS = 2_000;

export default defineCommand({
  command: 'monitor',
  describe: 'Watch all sessions: what each does, how far it is, what its container says',
  options: {
    stats: { type: 'boolean', default: false, describe: 'CPU and memory too (live: u shows and hides them)' },
    once: { type: 'boolean', default: false, describe: 'Print the table and exit, for pipes and cron' },
  },
  examples: [
    ['$0 monitor', 'the live view; ? shows its keys'],
    ['$0 monitor --once', 'the table, as wide as the terminal'],
    ['$0 monitor --json', 'a line of JSON now, and one for each change'],
  ],
  async run(args, app) {
    if (args.once) {
      const figures = args.stats ? readFigures(app) : undefined;
      const seen = await watchSessions(app)(ONCE);
      print(app, figures === undefined ? seen : withUsage(seen, await figures), args.stats);
      return 0;
    }
    if (args['json'] === true) return stream(app, args.stats);
    if (!process.stdin.isTTY || !app.output.isTerminal)
      throw new ParaError('USAGE', 'the live view needs a terminal for its input and its output', {
        hint: 'para monitor --once\npara monitor --json',
      });
    return (await import('../live-monitor.ts')).liveMonitor(app, args.stats);
  },
});

/** An engine that does not answer is remarked on by the overview. */
async function readFigures(app: App): Promise<readonly ContainerStats[]> {
  try {
    return (await readStats(app, OURS, { signal: app.cancellation.current() })).rows;
  } catch (error) {
    if (error instanceof ParaError && error.code !== 'INTERRUPTED') return [];
    throw error;
  }
}

const OURS = { sessions: [], all: false };

function print(app: App, { sessions, remarks }: Overview, usage: boolean): void {
  for (const remark of remarks) app.output.warn(remark);
  app.output.answer({ sessions, remarks }, (paint) =>
    sessions.length === 0
      ? 'No sessions here. Start one:  para start NAME'
      : table(sessions, overviewColumns(app.now(), { usage }), paint, app.output.width),
  );
}

/** A document now and one for each change, until a signal. */
async function stream(app: App, usage: boolean): Promise<number> {
  const signal = app.cancellation.current();
  const look = watchOver(app);
  let last = '';
  // The first is whole.
  let effort = { ...LIVE, counts: Infinity };
  while (!signal.aborted) {
    const rest = startRound(LOOK_MS);
    const found = await look(effort);
    const seen = usage ? withUsage(found, await readFigures(app)) : found;
    effort = LIVE;
    const text = JSON.stringify(seen);
    if (text !== last) print(app, seen, usage);
    last = text;
    await sleep(rest(), undefined, { signal }).catch(() => undefined);
  }
  return 128 + app.cancellation.signalNumber;
}
