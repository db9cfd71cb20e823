/** A changing command is a list of steps; each that makes something says how to unmake it. */

/** Tells the person what a step is doing right now, in one short line. */
export type Note = (text: string) => void;

/** One row of the task list. `C` is what the steps of one command share. */
export interface Step<in C> {
  /** Present participle, at most 45 characters. */
  readonly title: string;
  /** A reason not to run, shown on the row; undefined to run. */
  skip?(state: C): string | undefined;
  run(state: C, note: Note): Promise<void>;
  /** Unmakes what `run` made; must bear that nothing, or half, is there. `left` is what later steps could not unmake. */
  undo?(state: C, left: readonly string[]): Promise<void>;
  /** The command a person types when `undo` failed. */
  leftover?(state: C): string;
}

/** How rows are shown: live on a terminal, plain lines elsewhere, or not at all. */
export type Progress = 'tasks' | 'lines' | 'silent';
