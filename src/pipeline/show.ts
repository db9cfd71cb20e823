/** How a row looks: live by listr2 on a terminal, one line each elsewhere, or not at all. The only user of listr2. */
import type { Note, Progress } from './step.ts';

/** One row: a title and something to do. */
export interface Row {
  readonly title: string;
  readonly skip: () => string | undefined;
  readonly run: (note: Note) => Promise<void>;
}

/** Milliseconds between two lines about the same step in a log: a pull must not flood it. */
const LINE_EVERY_MS = 5_000;

/** Runs the rows in order and shows them. @throws what a row throws, after showing it */
export async function showRows(
  rows: readonly Row[],
  progress: Progress,
  stream: NodeJS.WriteStream,
): Promise<void> {
  if (progress === 'tasks') return showTasks(rows, stream);
  const write = progress === 'silent' ? () => undefined : (line: string) => void stream.write(`${line}\n`);
  for (const row of rows) if (row.skip() === undefined) await runInLines(row, write);
}

async function runInLines(row: Row, write: (line: string) => void): Promise<void> {
  let last = '';
  let written = performance.now();
  try {
    await row.run((text) => {
      last = text;
      if (performance.now() - written < LINE_EVERY_MS) return;
      written = performance.now();
      write(`… ${row.title}: ${text}`);
    });
  } catch (error) {
    write(`✗ ${row.title}`);
    throw error;
  }
  write(last === '' ? `✓ ${row.title}` : `✓ ${row.title}: ${last}`);
}

async function showTasks(rows: readonly Row[], stream: NodeJS.WriteStream): Promise<void> {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const shared = { logger: new ListrLogger({ processOutput: new ProcessOutput(stream, stream) }) };
  const list = new Listr(
    rows
      .filter((row) => row.skip() === undefined)
      .map((row) => ({
        title: row.title,
        task: async (_context: unknown, task: { title: string; output: string }) => {
          let last = '';
          await row.run((text) => {
            last = text;
            task.output = text;
          });
          if (last !== '') task.title = `${row.title}: ${last}`;
        },
      })),
    {
      concurrent: false,
      // para's own handlers decide (main.ts); listr2's would exit 127 without undoing (facts/style.md §4.2).
      registerSignalListeners: false,
      renderer: 'default',
      rendererOptions: { ...shared, showErrorMessage: false, collapseErrors: false },
      fallbackRendererOptions: shared,
    },
  );
  await list.run();
}
