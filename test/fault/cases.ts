/** The fault matrix: every case is counted, and the end of a run prints one table of them. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';

/** A row of the matrix, or the sequences of the model. */
export type Row = `F${number}` | 'model';

/** The whole matrix, not the part of it that fits into every run. */
export const isFull = process.env['PARA_FAULT_FULL'] === '1';

const DAY_MS = 86_400_000;

/** One case of a row; counted as passed when `work` returns. */
export async function faultCase<T>(row: Row, label: string, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    count(row, label, true);
    return result;
  } catch (error) {
    count(row, label, false);
    throw error;
  }
}

/** Cases that follow each other in one test: one that fails does not hide the rest. */
export async function cases<T>(
  row: Row,
  all: readonly T[],
  { label, work }: { readonly label: (one: T) => string; readonly work: (one: T) => Promise<void> },
): Promise<void> {
  const failed: string[] = [];
  for (const one of all)
    await faultCase(row, label(one), () => work(one)).catch((error: unknown) => {
      failed.push(`${label(one)}: ${error instanceof Error ? error.message : String(error)}`);
    });
  if (failed.length > 0) throw new Error(failed.join('\n\n'));
}

/** Every `nth` one, another part each day; all of them in a full run. */
export function sample<T>(all: readonly T[], nth: number): readonly T[] {
  const day = Math.floor(Date.now() / DAY_MS);
  return isFull ? all : all.filter((_, index) => (index + day) % nth === 0);
}

/** A short append is whole, also with several workers. */
function count(row: Row, label: string, passed: boolean): void {
  const file = process.env['PARA_FAULT_CASES'] ?? join(tmpdir(), 'fault-cases');
  appendFileSync(file, `${JSON.stringify({ row, label, passed })}\n`);
}
