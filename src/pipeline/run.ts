/**
 * Runs steps as a visible list and undoes the entered ones, in reverse, when one fails. listr2's own rollback
 * runs for the failing task alone (facts/style.md §4.1), so undoing is done here.
 */
import { ParaError } from '../errors.ts';
import { stepDone, stepEntered } from '../sys/fault.ts';
import { ownerInWords, whileShowing } from '../sys/lock.ts';
import type { Cancellation } from '../sys/cancel.ts';
import { showRows } from './show.ts';
import type { Note, Progress, Step } from './step.ts';

/** Where and how the list is shown, and what may stop it. */
export interface RunOptions {
  readonly progress: Progress;
  readonly stream: NodeJS.WriteStream;
  readonly cancellation: Cancellation;
  /** Makes what engines and repositories call things fit to be shown. */
  readonly clean?: (text: string) => string;
  /** Milliseconds for each undo. Default 60 000. */
  readonly undoMs?: number;
}

/**
 * Runs the steps in order. On a failure or Ctrl-C the entered steps are undone, the failing one included.
 * @throws the step's own error, or UNDO_INCOMPLETE naming what is left and how to remove it.
 */
export async function runSteps<C>(steps: readonly Step<C>[], state: C, options: RunOptions): Promise<void> {
  const entered: Step<C>[] = [];
  const stopIfAsked = (): void => {
    if (options.cancellation.requested) throw interrupted();
  };
  const rows = steps.map((step) => ({
    title: step.title,
    skip: () => step.skip?.(state),
    run: async (note: Note) => {
      stopIfAsked();
      entered.push(step);
      stepEntered();
      const say = (text: string): void => {
        note(options.clean?.(text) ?? text);
      };
      const work = (): Promise<void> => step.run(state, say);
      // Live rows leave no place for a line of its own.
      await (options.progress === 'tasks'
        ? whileShowing((owner) => {
            say(`waits for ${ownerInWords(owner)}`);
          }, work)
        : work());
      stepDone();
      stopIfAsked();
    },
  }));
  try {
    await showRows(rows, options.progress, options.stream);
  } catch (error) {
    const cause = options.cancellation.requested ? interrupted() : error;
    const left = await undoSteps(entered.reverse(), state, options);
    throw left.length === 0 ? cause : undoIncomplete(cause, left);
  }
}

async function undoSteps<C>(
  entered: readonly Step<C>[],
  state: C,
  options: RunOptions,
): Promise<readonly string[]> {
  const left: string[] = [];
  const rows = entered.flatMap((step) => {
    const undo = step.undo?.bind(step);
    if (undo === undefined) return [];
    const run = async (): Promise<void> => {
      try {
        await options.cancellation.shield(options.undoMs ?? 60_000, () => undo(state, left));
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        left.push(step.leftover === undefined ? `${step.title}: ${what}` : step.leftover(state));
        throw error;
      }
    };
    return [{ title: `Undo: ${lowerFirst(step.title)}`, skip: () => undefined, run }];
  });
  // One failing undo must not keep the others from running.
  for (const row of rows) await showRows([row], options.progress, options.stream).catch(() => undefined);
  return left;
}

function interrupted(): ParaError {
  return new ParaError('INTERRUPTED', 'interrupted');
}

function undoIncomplete(cause: unknown, left: readonly string[]): ParaError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ParaError('UNDO_INCOMPLETE', `${reason}; not everything could be undone`, {
    hint: left.join('\n'),
    details: { left },
    cause,
    exit: cause instanceof ParaError ? cause.exit : undefined,
  });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
