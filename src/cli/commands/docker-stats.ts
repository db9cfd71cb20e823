import { readStats, watchStats, type StatsRound } from '../../sessions/stats.ts';
import type { ContainerStats, Figures } from '../../sessions/stats-figures.ts';
import { amount } from '../../ui/amount.ts';
import { table, type Column } from '../../ui/table.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';

const COLUMNS = (all: boolean): readonly Column<ContainerStats>[] => [
  { head: 'SESSION', cell: (row) => row.session ?? '(none)' },
  ...(all ? [{ head: 'CONTAINER', cell: (row: ContainerStats) => row.container }] : []),
  {
    head: 'STATE',
    cell: (row) => row.state,
    colour: (text, row, paint) => (row.state === 'running' ? paint.green(text) : paint.yellow(text)),
  },
  { head: 'CPU', cell: (row) => said(row, 'cpu_percent', (percent) => `${percent.toFixed(1)}%`) },
  { head: 'MEMORY', cell: (row) => ofLimit(row, ['memory_bytes', 'memory_limit_bytes'], amount) },
  { head: 'PIDS', cell: (row) => ofLimit(row, ['pids', 'pids_limit'], String) },
  { head: 'NET IN/OUT', cell: (row) => inAndOut(row, ['net_rx_bytes', 'net_tx_bytes']) },
  { head: 'DISK READ/WRITTEN', cell: (row) => inAndOut(row, ['block_read_bytes', 'block_write_bytes']) },
];

/** A look takes docker about as long. */
const EVERY_MS = 2_000;

export default defineCommand({
  command: 'stats [session..]',
  describe: 'Say what containers use of CPU, memory, processes, network and disk',
  positionals: {
    session: { array: true, describe: 'Sessions; without one, all of this repository that have a container' },
  },
  options: {
    all: {
      alias: 'a',
      type: 'boolean',
      default: false,
      describe: "Of every repository: all of para's on the engine in force",
    },
    watch: { type: 'boolean', default: false, describe: 'Go on every two seconds, until Ctrl-C' },
  },
  examples: [
    ['$0 docker stats', ''],
    ['$0 docker stats fix-login --watch --json', 'one document a look, for scripts'],
  ],
  async run(args, app) {
    const wish = { sessions: (args['session'] ?? []) as readonly string[], all: args.all };
    if (!args.watch) {
      print(app, await readStats(app, wish), args.all);
      return 0;
    }
    const signal = app.cancellation.current();
    for await (const round of watchStats(app, wish, { signal, everyMs: EVERY_MS }))
      print(app, round, args.all);
    return 128 + app.cancellation.signalNumber;
  },
});

function print(app: App, { rows, remarks }: StatsRound, all: boolean): void {
  for (const remark of remarks) app.output.warn(remark);
  app.output.answer({ at: app.now().toISOString(), containers: rows }, (paint) =>
    rows.length === 0
      ? 'No containers here. Start one:  para start NAME --docker'
      : table(rows, COLUMNS(all), paint, app.output.width),
  );
}

function said(row: ContainerStats, key: keyof Figures, text: (value: number) => string): string {
  const value = row[key];
  return value === null ? (row.unknown[key] ?? '-') : text(value);
}

/** `2.4 MiB / 4.0 GiB`, or `2.4 MiB (not enforced)`. */
function ofLimit(
  row: ContainerStats,
  [used, limit]: readonly [keyof Figures, keyof Figures],
  text: (value: number) => string,
): string {
  if (row[used] === null) return said(row, used, text);
  const most = said(row, limit, text);
  return row[limit] === null ? `${said(row, used, text)} (${most})` : `${said(row, used, text)} / ${most}`;
}

function inAndOut(row: ContainerStats, [first, second]: readonly [keyof Figures, keyof Figures]): string {
  if (row[first] === null && row[second] === null) return said(row, first, amount);
  return `${said(row, first, amount)} / ${said(row, second, amount)}`;
}
