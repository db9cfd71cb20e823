/** The columns in which sessions are watched. */
import type { OverviewRow } from '../sessions/overview.ts';
import { age } from './age.ts';
import { amount } from './amount.ts';
import type { Column } from './table.ts';

/** For words that say nothing when they are cut. */
const WHOLE = 80;

/** In the order of importance where the place is short: a higher rank goes first. */
export function overviewColumns(
  now: Date,
  { usage }: { readonly usage: boolean },
): readonly Column<OverviewRow>[] {
  return [
    ...WHERE,
    ...WORK,
    ...(usage ? USAGE : []),
    {
      head: 'PORTS',
      cell: ({ ports }) => (ports.length === 0 ? '-' : ports.join(' ')),
      spare: true,
      rank: 7,
    },
    { head: 'AGE', cell: ({ created_at }) => age(created_at, now), rank: 6, least: WHOLE },
  ];
}

const WHERE: readonly Column<OverviewRow>[] = [
  {
    head: 'SESSION',
    cell: ({ name }) => name,
    least: 16,
    colour: (text, row, paint) => (row.says?.blocked === true ? paint.yellow(text) : text),
  },
  {
    head: 'STATUS',
    cell: ({ status }) => (status === 'active' ? '-' : status),
    spare: true,
    least: WHOLE,
    colour: (text, { settle }, paint) => (settle === null ? text : paint.yellow(text)),
  },
  { head: 'BRANCH', cell: ({ branch }) => branch, rank: 9, least: 16 },
  { head: '+/-', cell: linesText, rank: 4, least: WHOLE },
  {
    head: 'CONTAINER',
    cell: ({ container }) => container ?? '-',
    least: WHOLE,
    colour: (text, { container }, paint) =>
      container === 'running' ? paint.green(text) : container === null ? text : paint.yellow(text),
  },
  {
    head: 'HEALTH',
    cell: ({ health }) => health ?? '-',
    least: WHOLE,
    spare: true,
    rank: 5,
    colour: (text, { health }, paint) =>
      health === 'healthy' ? paint.green(text) : health === null ? text : paint.red(text),
  },
];

const WORK: readonly Column<OverviewRow>[] = [
  { head: 'PHASE', cell: phaseText, least: 9 },
  { head: 'PROGRESS', cell: ({ says }) => progressBar(says), least: WHOLE },
  {
    head: 'AGENT',
    cell: agentText,
    least: WHOLE,
    spare: true,
    rank: 3,
    colour: (text, { agent }, paint) => (agent?.state === 'running' ? paint.green(text) : text),
  },
  {
    head: 'TESTS',
    cell: ({ says }) => says?.tests ?? '-',
    least: WHOLE,
    spare: true,
    rank: 2,
    colour: (text, { says }, paint) =>
      says?.tests === 'failed' ? paint.red(text) : says?.tests === 'passed' ? paint.green(text) : text,
  },
  { head: 'TODOS', cell: ({ says }) => todosText(says), spare: true, rank: 8, least: WHOLE },
];

const USAGE: readonly Column<OverviewRow>[] = [
  {
    ...{ head: 'CPU', rank: 1, least: WHOLE },
    cell: ({ usage }) => numberText(usage?.cpu_percent, (percent) => `${percent.toFixed(1)}%`),
  },
  {
    ...{ head: 'MEMORY', rank: 1, least: WHOLE },
    cell: ({ usage }) => numberText(usage?.memory_bytes, amount),
  },
];

function numberText(value: number | null | undefined, text: (value: number) => string): string {
  return value === null || value === undefined ? '-' : text(value);
}

function linesText({ lines }: OverviewRow): string {
  return lines === null ? '-' : `+${String(lines.added)}/-${String(lines.removed)}`;
}

/** What it is at; that it waits for a person goes before. */
function phaseText({ says }: OverviewRow): string {
  if (says === null) return '-';
  const phase = says.phase ?? says.status;
  return says.blocked === true ? `blocked: ${phase}` : phase;
}

/** `running`, `exit 0`, or `gone`: it ended without a word. */
function agentText({ agent }: OverviewRow): string {
  if (agent === null) return '-';
  return agent.state === 'exited' ? `exit ${String(agent.exit_code)}` : agent.state;
}

/** `3/7` */
export function todosText(says: OverviewRow['says'] | undefined): string {
  return says?.todos === undefined ? '-' : `${String(says.todos.done)}/${String(says.todos.total)}`;
}

const CELLS = 8;

/** `█████░░░  62%` */
export function progressBar(says: OverviewRow['says']): string {
  const { current, total } = says?.progress ?? { current: 0, total: 0 };
  if (total === 0) return '-';
  const full = Math.floor((CELLS * current) / total);
  const percent = String(Math.floor((100 * current) / total)).padStart(3);
  return `${'█'.repeat(full)}${'░'.repeat(CELLS - full)} ${percent}%`;
}
