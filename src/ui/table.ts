import stringWidth from 'string-width';
import type { ChalkInstance } from 'chalk';
import { display } from './display.ts';

/** A column: its head and the text of a cell. Cells are cleaned here, so callers hand in raw text. */
export interface Column<Row> {
  readonly head: string;
  /** Left out where the place is short and no row has anything to say (`-`). */
  readonly spare?: boolean;
  readonly cell: (row: Row) => string;
  readonly colour?: (text: string, row: Row, paint: ChalkInstance) => string;
}

const GAP = 2;

/** A table with two blanks between columns; no wider than `width`, if it is not 0 and the heads have place. */
export function table<Row>(
  rows: readonly Row[],
  all: readonly Column<Row>[],
  paint: ChalkInstance,
  width = 0,
): string {
  const said = (column: Column<Row>): readonly string[] => rows.map((row) => display(column.cell(row), 80));
  const natural = (column: Column<Row>): number =>
    Math.max(stringWidth(column.head), ...said(column).map((cell) => stringWidth(cell)));
  const isTight = width > 0 && total(all.map(natural)) > width;
  const columns = all.filter(
    (column) => !isTight || column.spare !== true || said(column).some((cell) => cell !== '-'),
  );
  const heads = columns.map(({ head }) => stringWidth(head));
  const widths = isTight ? shrink(columns.map(natural), heads, width) : columns.map(natural);
  const cells = rows.map((row) =>
    columns.map((column, i) => display(column.cell(row), Math.min(80, widths[i] ?? 80))),
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

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);
}

/** The widest give way first, none to less than its head. */
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
