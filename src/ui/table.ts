import stringWidth from 'string-width';
import type { Paint } from './paint.ts';
import { cut } from './cut.ts';
import { display } from './display.ts';

/** A column: its head and the text of a cell. Cells are cleaned here, so callers hand in raw text. */
export interface Column<Row> {
  readonly head: string;
  /** Left out where the place is short and no row has anything to say (`-`). */
  readonly spare?: boolean;
  /** Left out where the place is short, the highest first; one without a rank stays. */
  readonly rank?: number;
  /** Columns that it needs at least to say anything; else those of its head. */
  readonly least?: number;
  readonly cell: (row: Row) => string;
  readonly colour?: (text: string, row: Row, paint: Paint) => string;
}

const GAP = 2;

/** A table with two blanks between columns; no wider than `width`, if it is not 0 and the heads have place. */
export function table<Row>(
  rows: readonly Row[],
  all: readonly Column<Row>[],
  paint: Paint,
  width = 0,
): string {
  const { columns, widths } = fit(rows, all, width);
  const cells = rows.map((row) =>
    columns.map((column, i) => cut(display(column.cell(row), MOST), widths[i] ?? MOST)),
  );
  const head = columns
    .map((column, i) => pad(column.head, widths[i] ?? 0))
    .join('  ')
    .trimEnd();
  const lines = rows.map((row, r) =>
    columns
      .map((column, i) => {
        const text = pad(cells[r]?.[i] ?? '', i === columns.length - 1 ? 0 : (widths[i] ?? 0));
        return column.colour?.(text, row, paint) ?? text;
      })
      .join('  ')
      .trimEnd(),
  );
  return [paint.bold(head), ...lines].join('\n');
}

const MOST = 80;

/** Which columns there is place for, and how wide each is. */
function fit<Row>(
  rows: readonly Row[],
  all: readonly Column<Row>[],
  width: number,
): { readonly columns: readonly Column<Row>[]; readonly widths: readonly number[] } {
  const sized = all.map((column) => {
    const said = rows.map((row) => display(column.cell(row), MOST));
    const head = stringWidth(column.head);
    const natural = Math.max(head, ...said.map((cell) => stringWidth(cell)));
    const isMute = column.spare === true && said.every((cell) => cell === '-');
    return { column, natural, isMute, least: Math.min(natural, Math.max(head, column.least ?? 0)) };
  });
  if (width <= 0 || total(sized.map(({ natural }) => natural)) <= width)
    return { columns: all, widths: sized.map(({ natural }) => natural) };
  let kept = sized.filter(({ isMute }) => !isMute);
  while (total(kept.map(({ least }) => least)) > width) {
    const rank = Math.max(...kept.map(({ column }) => column.rank ?? 0));
    if (rank === 0) break;
    kept = kept.filter(({ column }) => column.rank !== rank);
  }
  const naturals = kept.map(({ natural }) => natural);
  const leasts = kept.map(({ least }) => least);
  return { columns: kept.map(({ column }) => column), widths: shrink(naturals, leasts, width) };
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);
}

/** The widest give way first, none to less than it needs. */
function shrink(widths: readonly number[], least: readonly number[], width: number): readonly number[] {
  const now = [...widths];
  while (total(now) > width) {
    const free = now.map((one, i) => (one > (least[i] ?? 0) ? one : 0));
    const widest = free.indexOf(Math.max(...free));
    if ((free[widest] ?? 0) === 0) break;
    now[widest] = (now[widest] ?? 0) - 1;
  }
  return now;
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}
