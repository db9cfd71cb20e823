import { listSessions } from '../../sessions/list.ts';
import { kindWords } from '../../sessions/box-kind.ts';
import { table, type Column } from '../../ui/table.ts';
import type { SessionRow } from '../../sessions/list.ts';
import { SIZE_KEYS, sizesOfSessions, type SizeKey, type Sizes, type SizeWord } from '../../sessions/sizes.ts';
import { age } from '../../ui/age.ts';
import { amount } from '../../ui/amount.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';

const COLUMNS = (now: Date): readonly Column<SessionRow>[] => [
  {
    head: 'SESSION',
    cell: (row) => row.name,
    colour: (text, row, paint) => (row.current ? paint.bold(text) : text),
  },
  {
    head: 'STATUS',
    cell: (row) => row.status,
    colour: (text, row, paint) => (row.status === 'active' ? paint.green(text) : paint.yellow(text)),
  },
  { head: 'BRANCH', cell: (row) => row.branch },
  { head: 'BASE', cell: (row) => row.base_ref, rank: 1 },
  { head: 'AHEAD', cell: (row) => (row.ahead === null ? '-' : String(row.ahead)) },
  { head: 'CHANGES', cell: (row) => (row.changes === null ? '-' : String(row.changes)) },
  { head: 'CONTAINER', cell: (row) => row.container ?? '-' },
  { head: 'HEALTH', cell: (row) => row.health ?? '-', spare: true },
  { head: 'BOX', cell: ({ box }) => kindWords(box), spare: true, least: 8 },
  { head: 'AGENT', cell: ({ agent }) => agentWord(agent), spare: true },
  { head: 'AGE', cell: (row) => age(row.created_at, now) },
];

type SizedRow = SessionRow & { readonly size?: Sizes | null };

const HEADS: Readonly<Record<SizeKey, string>> = {
  worktree_bytes: 'WORKTREE',
  state_bytes: 'STATE',
  layer_bytes: 'LAYER',
  volumes_bytes: 'VOLUMES',
  logs_bytes: 'LOGS',
};

const SIZE_COLUMNS: readonly Column<SizedRow>[] = SIZE_KEYS.map((key) => ({
  head: HEADS[key],
  cell: ({ size }) => sizeText(size?.[key], size?.unknown[key]),
}));

/** What `--size` shows: whose it is, and the sizes. */
function sizeColumns(now: Date): readonly Column<SizedRow>[] {
  const whose = ['SESSION', 'STATUS', 'CONTAINER'];
  return [...COLUMNS(now).filter(({ head }) => whose.includes(head)), ...SIZE_COLUMNS];
}

/** `> 12 MiB` when a part could not be read. */
function sizeText(bytes: number | null | undefined, word: SizeWord | undefined): string {
  if (typeof bytes !== 'number') return word === undefined || word === 'none' ? '-' : word;
  return word === undefined ? amount(bytes) : `> ${amount(bytes)}`;
}

export default defineCommand({
  command: 'list',
  describe: 'List the sessions of this repository',
  options: {
    all: {
      alias: 'a',
      type: 'boolean',
      default: false,
      describe: 'Cancelled sessions too, and what settles each',
    },
    size: {
      type: 'boolean',
      default: false,
      describe: 'What each takes on the disk; counting takes its time',
    },
    containers: {
      type: 'boolean',
      default: true,
      describe: 'Ask the engine about containers (--no-containers: do not)',
    },
  },
  examples: [
    ['$0 list', ''],
    ['$0 list --json', 'for scripts'],
    ['$0 list --size', 'worktree, layer of the container, volumes, logs'],
    ['$0 list -q', 'names alone'],
  ],
  async run(args, app) {
    const { rows: listed, remarks } = await listSessions(app, {
      containers: args.containers,
      archived: args.all,
    });
    const rows = args.size ? await withSizes(app, listed, args.containers) : listed;
    const columns = (args.size ? sizeColumns : COLUMNS)(app.now());
    for (const remark of remarks) app.output.warn(remark);
    app.output.answer({ sessions: rows }, (paint) =>
      args['quiet'] === true
        ? rows.map(({ name }) => name).join('\n')
        : rows.length === 0
          ? 'No sessions here. Start one:  para start NAME'
          : [table(rows, columns, paint, app.output.width), ...(args.all ? settling(rows) : [])].join('\n'),
    );
    return 0;
  },
});

async function withSizes(
  app: App,
  rows: readonly SessionRow[],
  containers: boolean,
): Promise<readonly SizedRow[]> {
  const sizes = await sizesOfSessions(app, { containers, signal: app.cancellation.current() });
  return rows.map((row) => ({ ...row, size: sizes.get(row.name) ?? null }));
}

/** The command for each that is archived, half done or damaged. */
function settling(rows: readonly SessionRow[]): readonly string[] {
  const lines = rows.flatMap(({ settle, half_done: verb, status, given_up: over }) => {
    const why = verb !== null ? `${verb}, cut short` : over !== null ? 'given up' : status;
    return settle === null ? [] : [`  ${settle}   # ${why}`];
  });
  return lines.length === 0 ? [] : ['', ...lines];
}

/** `running`, `exit 0`, or `gone`: it ended without a word. */
function agentWord(agent: SessionRow['agent']): string {
  if (agent === null) return '-';
  return agent.state === 'exited' ? `exit ${String(agent.exit_code)}` : agent.state;
}
