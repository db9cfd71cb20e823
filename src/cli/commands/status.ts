import { setTimeout as sleep } from 'node:timers/promises';
import { ParaError } from '../../errors.ts';
import type { StatusWish } from '../../sessions/host-status.ts';
import { createLastStatus } from '../../sessions/last-status.ts';
import { showStatus, summarise, tellStatus, type SessionStatus } from '../../sessions/status.ts';
import { age } from '../../ui/age.ts';
import { todosText } from '../../ui/overview-table.ts';
import { table, type Column } from '../../ui/table.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';

const COLUMNS = (now: Date): readonly Column<SessionStatus>[] => [
  { head: 'SESSION', cell: ({ session }) => session },
  {
    head: 'STATUS',
    cell: ({ status, defect }) => (status === undefined ? wordFor(defect) : stateWord(status)),
  },
  { head: 'PHASE', cell: ({ status }) => status?.phase ?? '-' },
  { head: 'PROGRESS', cell: ({ status }) => progressText(status) },
  { head: 'TESTS', cell: ({ status }) => status?.tests ?? '-' },
  { head: 'TODOS', cell: ({ status }) => todosText(status) },
  { head: 'AGE', cell: ({ at }) => (at === undefined ? '-' : age(at.toISOString(), now)) },
  { head: 'SAYS', cell: ({ status }) => status?.message ?? status?.progress?.message ?? status?.task ?? '-' },
];

export default defineCommand({
  command: 'status [words..]',
  usage: '$0 status "TASK" [options]\n$0 status show [session] [--watch]\n$0 status summary [--watch]',
  describe: 'Say what you are doing in a session, or see what its agent says',
  positionals: { words: { array: true, describe: 'What you are doing; or show, or summary' } },
  options: {
    tests: {
      choices: ['passed', 'failed', 'running', 'unknown'],
      requiresArg: true,
      describe: 'How the tests stand',
    },
    todos: { type: 'string', requiresArg: true, describe: 'Things done of those to do: N/M' },
    progress: { type: 'string', requiresArg: true, describe: 'How far it is: N/M' },
    phase: { type: 'string', requiresArg: true, describe: 'What it is at' },
    blocked: { type: 'boolean', describe: 'It waits for a person (--no-blocked: not any more)' },
    session: { type: 'string', requiresArg: true, describe: 'Instead of the one whose worktree you are in' },
    watch: {
      type: 'boolean',
      default: false,
      describe: 'With show or summary: go on, and print each change',
    },
  },
  examples: [
    [
      '$0 status "Add the login form" --todos 3/7 --tests passed',
      'in the worktree; inside a container: para-status',
    ],
    ['$0 status summary --watch', ''],
  ],
  async run(args, app) {
    const words = (args['words'] ?? []) as readonly string[];
    const wish = wishOf(args);
    const [first] = words;
    if (first === 'show' || first === 'summary') {
      if (isSaid(wish)) throw misused(`para status ${first} says nothing`);
      const read = first === 'show' ? readOne(app, words, args.session) : readAll(app, words);
      return args.watch ? follow(app, read) : print(app, await read());
    }
    if (args.watch) throw misused('--watch goes with show and summary');
    return say(app, words, { wish, session: args.session });
  },
});

async function say(
  app: App,
  [task, more]: readonly string[],
  { wish, session: named }: { readonly wish: StatusWish; readonly session: string | undefined },
): Promise<number> {
  if (more !== undefined) throw misused('the task is one word, in quotes');
  if (task === undefined && !isSaid(wish)) throw misused('nothing was said');
  const { session, status } = await tellStatus(app, named, { ...wish, task: task?.slice(0, 512) });
  app.output.answer({ session, status }, () => '');
  return 0;
}

function isSaid(wish: StatusWish): boolean {
  return Object.values(wish).some((value) => value !== undefined);
}

function misused(message: string): ParaError {
  return new ParaError('USAGE', message, {
    hint: 'para status "What I am doing" --todos 3/7\npara status show',
  });
}

interface Typed {
  readonly tests: StatusWish['tests'];
  readonly todos: string | undefined;
  readonly progress: string | undefined;
  readonly phase: string | undefined;
  readonly blocked: boolean | undefined;
}

function wishOf({ tests, todos, progress, phase, blocked }: Typed): StatusWish {
  const done = todos === undefined ? undefined : ofTotal('--todos', todos);
  const far = progress === undefined ? undefined : ofTotal('--progress', progress);
  return {
    tests,
    todos: done && { done: done[0], total: done[1] },
    progress: far && { current: far[0], total: far[1] },
    phase: phase?.slice(0, 64),
    blocked,
  };
}

function ofTotal(flag: string, text: string): readonly [number, number] {
  const [, done, total] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  if (done !== undefined && Number(done) <= Number(total)) return [Number(done), Number(total)];
  throw new ParaError('USAGE', `${flag} ${JSON.stringify(text)} is not N/M`, { hint: `${flag} 3/7` });
}

interface Shown {
  readonly data: Readonly<Record<string, unknown>>;
  readonly rows: readonly SessionStatus[];
}

function readOne(
  app: App,
  [, word, more]: readonly string[],
  named: string | undefined,
): () => Promise<Shown> {
  if (more !== undefined) throw misused(`one word too many: ${more}`);
  const lastSaid = createLastStatus();
  return async () => {
    const now = await showStatus(app, word ?? named);
    const told = lastSaid(now.session, now);
    return { data: toData(told), rows: [told] };
  };
}

function readAll(app: App, [, more]: readonly string[]): () => Promise<Shown> {
  if (more !== undefined) throw misused(`one word too many: ${more}`);
  const lastSaid = createLastStatus();
  return async () => {
    const rows = (await summarise(app)).map((now) => lastSaid(now.session, now));
    return { data: { sessions: rows.map(toData) }, rows };
  };
}

function toData({ session, status, at, defect }: SessionStatus): Readonly<Record<string, unknown>> {
  return { session, status: status ?? null, at: at?.toISOString() ?? null, defect: defect ?? null };
}

function print(app: App, { data, rows }: Shown): number {
  for (const { session, defect } of rows)
    if (defect !== undefined) app.output.warn(`the status of ${session} can not be taken: ${defect}`);
  app.output.answer(data, (paint) =>
    rows.length === 0 ? 'No sessions here.' : table(rows, COLUMNS(app.now()), paint, app.output.width),
  );
  return 0;
}

const LOOK_MS = 1_000;

/** Prints what changed, until a signal. */
async function follow(app: App, read: () => Promise<Shown>): Promise<number> {
  const signal = app.cancellation.current();
  let last = '';
  while (!signal.aborted) {
    const shown = await read();
    const text = JSON.stringify(shown.data);
    if (text !== last) print(app, shown);
    last = text;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return 128 + app.cancellation.signalNumber;
}

type Said = SessionStatus['status'];

function wordFor(defect: string | undefined): string {
  return defect === undefined ? '-' : 'unreadable';
}

function stateWord({ status, blocked }: NonNullable<Said>): string {
  return blocked === true ? 'blocked' : status;
}

function progressText(status: Said): string {
  const { current, total } = status?.progress ?? { current: 0, total: 0 };
  return total === 0 ? '-' : `${String(Math.floor((100 * current) / total))}%`;
}
