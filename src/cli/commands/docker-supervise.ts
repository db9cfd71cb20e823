import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, ParaError } from '../../errors.ts';
import { requireContainer } from '../../sessions/containers.ts';
import { findSession, sessionHere } from '../../sessions/find.ts';
import { superviseSessions, type Watch, type Watched } from '../../sessions/supervise.ts';
import { refillPool } from '../../sessions/warm-refill.ts';
import { table, type Column } from '../../ui/table.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';

const COLUMNS: readonly Column<Watched>[] = [
  { head: 'SESSION', cell: ({ session }) => session },
  { head: 'CONTAINER', cell: ({ container }) => container ?? '-' },
  {
    head: 'HEALTH',
    cell: ({ health }) => health ?? '-',
    colour: (text, { health }, paint) => (health === 'healthy' ? paint.green(text) : paint.yellow(text)),
  },
  { head: 'RESTARTS', cell: ({ restarts }) => String(restarts) },
  { head: 'WHY', cell: ({ health_reason, given_up: over }) => over?.reason ?? health_reason ?? '-' },
];

/** Longer than any engine call may take: whoever asks once wants an answer. */
const ONCE = { patienceMs: 120_000, waits: true };
const LIVE = { patienceMs: 10_000, waits: false };

export default defineCommand({
  command: 'supervise [session]',
  changes: true,
  describe: 'Watch containers, and restart those that died or are not well, until a signal',
  positionals: {
    session: { describe: 'Session; without one, the one you are in, else all of the repository' },
  },
  options: {
    once: {
      type: 'boolean',
      default: false,
      describe: 'Look once, do what is due, print it and exit: for cron',
    },
    every: { type: 'string', default: '5', requiresArg: true, describe: 'Seconds from one look to the next' },
  },
  examples: [
    ['$0 docker supervise', 'in a terminal of its own, in tmux, or as a service of systemd'],
    ['$0 docker supervise fix-login --json', 'a line of JSON now, and one for each change'],
    ['$0 docker supervise --once', 'the same for cron'],
  ],
  async run(args, app) {
    const every = parseEvery(args.every);
    const session = (args['session'] as string | undefined) ?? (await sessionHere(app));
    if (session !== undefined) requireContainer((await findSession(app, session, 'containers')).record);
    const look = superviseSessions(app, session);
    const refill = refillPool(app, (steps, state) => app.run(steps, state, 'silent'));
    if (!args.once) return watch(app, { look, refill }, { every, isJson: args['json'] === true });
    const seen = await look(ONCE);
    await refill();
    for (const remark of seen.remarks) app.output.warn(remark);
    app.output.answer({ ...seen }, (paint) => [...lines(seen), rows(seen, app, paint)].join('\n'));
    return 0;
  },
});

/** `--every` as typed. @throws USAGE */
function parseEvery(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new ParaError('USAGE', `--every ${JSON.stringify(text)} is not a number of seconds`, {
    hint: '--every 5',
  });
}

function rows({ sessions }: Watch, app: App, paint: App['output']['paint']): string {
  return sessions.length === 0
    ? 'No containers to watch here'
    : table(sessions, COLUMNS, paint, app.output.width);
}

/** In a log each line stands for itself. */
function lines({ events }: Watch): readonly string[] {
  return events.map(({ at, session, text }) => `${at} ${session} ${text}`);
}

async function watch(
  app: App,
  { look, refill }: { look: ReturnType<typeof superviseSessions>; refill: () => Promise<void> },
  { every, isJson }: { readonly every: number; readonly isJson: boolean },
): Promise<number> {
  const signal = app.cancellation.current();
  app.output.note(`Watching; a look every ${String(every)} s, until Ctrl-C`);
  let last = '';
  let remarked = '';
  while (!signal.aborted) {
    const looked = look(LIVE).then(async (found) => refill().then(() => found));
    const seen = await looked.catch((error: unknown) => {
      if (signal.aborted && hasCode(error, 'INTERRUPTED')) return undefined;
      throw error;
    });
    if (seen === undefined) break;
    const state = JSON.stringify([seen.sessions, seen.remarks]);
    const isNew = state !== last || seen.events.length > 0;
    if (isNew && (isJson || seen.events.length > 0))
      app.output.answer({ ...seen }, () => lines(seen).join('\n'));
    const remarks = seen.remarks.join('\n');
    if (remarks !== '' && remarks !== remarked) app.output.warn(remarks);
    last = state;
    remarked = remarks;
    await sleep(every * 1000, undefined, { signal }).catch(() => undefined);
  }
  return 128 + app.cancellation.signalNumber;
}
