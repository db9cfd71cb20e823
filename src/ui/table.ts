import stringWidth from 'string-width';
import type { ChalkInstance } from 'chalk';
import { display } from './display.ts';

/** A column: its head and the text of a cell. Cells are cleaned here, so callers hand in raw text. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
  readonly colour?: (text: string, row: Row, paint: ChalkInstance) => string;
}

/** A table with two blanks between columns. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paint: ChalkInstance,
): string {
  const cells = rows.map((row) => columns.map((column) => display(column.cell(row), 80)));
  const widths = columns.map((column, i) =>
    Math.max(stringWidth(column.head), ...cells.map((line) => stringWidth(line[i] ?? ''))),
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

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}
