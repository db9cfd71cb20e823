/** What can be done with the selected session: always a command of para's own, as it could be typed. */
import type { OverviewRow } from '../../sessions/overview.ts';

/** A command line of para's, to be run with the terminal. */
export interface Task {
  readonly args: readonly string[];
  /** Come back at once when it ended well: there is nothing to read. */
  readonly isQuiet: boolean;
}

/** Something that is asked in the last line. */
export type Question =
  | { readonly kind: 'filter'; readonly text: string; readonly before: string }
  /** A line of text, and what goes on with it. */
  | {
      readonly kind: 'line';
      readonly label: string;
      readonly text: string;
      readonly then: (text: string) => Step;
    }
  | { readonly kind: 'yes'; readonly label: string; readonly run: Task };

/** What comes of an action: a question first, a command at once, or why not. */
export type Step = { readonly ask: Question } | { readonly run: Task } | { readonly notice: string };

/** By key. */
export const ACTIONS: Readonly<Partial<Record<string, (row: OverviewRow) => Step>>> = {
  enter: ({ name }) => ({ run: { args: ['docker', 'attach', name], isQuiet: true } }),
  e: ({ name }) => ({
    ask: {
      ...{ kind: 'line', label: `Run in the container of ${name}:`, text: '' },
      then: (line) =>
        line === ''
          ? NOTHING
          : { run: { args: ['docker', 'exec', name, '--', 'sh', '-c', line], isQuiet: false } },
    },
  }),
  l: ({ name }) => ({
    run: { args: ['docker', 'logs', name, '--follow', '--tail', '200'], isQuiet: false },
  }),
  s: stopOrStart,
  f: ({ name }) => ({
    ask: {
      ...{ kind: 'line', label: `Finish ${name} with the message:`, text: '' },
      then: (message) => (message === '' ? NOTHING : askFinish(name, message)),
    },
  }),
  c: ({ name }) => ({
    ask: {
      kind: 'yes',
      label: `Cancel ${name}: archive all its work, remove container, worktree and branch?`,
      run: { args: ['cancel', name], isQuiet: false },
    },
  }),
};

const NOTHING: Step = { notice: 'Nothing was done.' };

function askFinish(name: string, message: string): Step {
  return {
    ask: {
      kind: 'yes',
      label: `Finish ${name}: commit, push as set, remove container and worktree?`,
      run: { args: ['finish', `--message=${message}`, name], isQuiet: false },
    },
  };
}

/** Whoever has no container is asked whether it shall get one. */
function stopOrStart({ name, container }: OverviewRow): Step {
  const start = { args: ['docker', 'start', name], isQuiet: false };
  if (container === null)
    return { ask: { kind: 'yes', label: `${name} has no container. Make it one?`, run: start } };
  if (container !== 'running' && container !== 'paused') return { run: start };
  return {
    ask: {
      kind: 'yes',
      label: `Stop the container of ${name}, and all that runs in it?`,
      run: { args: ['docker', 'stop', name], isQuiet: false },
    },
  };
}
