import { ParaError } from '../../errors.ts';
import { cancelCommand, resultOf, showQueue, signalCommand } from '../../sessions/queue-commands.ts';
import type { QueueRow } from '../../sessions/queue.ts';
import { DEFAULT_PRIORITY } from '../../sessions/queue-file.ts';
import { quote } from '../../sys/run.ts';
import { age } from '../../ui/age.ts';
import { display } from '../../ui/display.ts';
import { table, type Column } from '../../ui/table.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';

const COLUMNS = (now: Date): readonly Column<QueueRow>[] => [
  { head: 'ID', cell: ({ command }) => command.id },
  {
    head: 'STATE',
    cell: ({ state, exitCode }) => (exitCode === undefined ? state : `${state} (${String(exitCode)})`),
  },
  { head: 'PRIORITY', spare: true, cell: ({ command }) => String(command.priority ?? DEFAULT_PRIORITY) },
  {
    head: 'AGE',
    cell: ({ command }) => (command.created_at === undefined ? '-' : age(command.created_at, now)),
  },
  { head: 'COMMAND', cell: ({ command }) => display(line(command), 60) },
];

export default defineCommand({
  command: 'queue <action> [words..]',
  usage:
    '$0 docker queue list [session]\n$0 docker queue result|wait ID [session]\n$0 docker queue cancel ID [session]\n$0 docker queue signal ID NAME [session]',
  describe: 'Look at the commands that wait or run in a container in the background',
  positionals: {
    action: { choices: ['list', 'result', 'wait', 'cancel', 'signal'], describe: 'What to do' },
    words: { array: true, describe: 'The id of the command (and a signal), and the session' },
  },
  options: {},
  examples: [
    ['$0 docker queue list fix-login', ''],
    ['$0 docker queue wait 3f2a9c41d0be fix-login', 'until it has ended: its output, and its exit code'],
    ['$0 docker queue signal 3f2a9c41d0be HUP fix-login', 'to all that the command has started'],
  ],
  async run(args, app) {
    const words = (args['words'] ?? []) as readonly string[];
    if (args['action'] === 'list') return list(app, one(words));
    const [id, ...more] = words;
    if (id === undefined)
      throw new ParaError('USAGE', 'no command was named', { hint: 'para docker queue list' });
    if (args['action'] === 'cancel') return cancel(app, id, one(more));
    if (args['action'] === 'signal') return tell(app, id, more);
    const json = args['json'] === true;
    return result(app, id, { session: one(more), wait: args['action'] === 'wait', json });
  },
});

function one(words: readonly string[]): string | undefined {
  if (words.length > 1)
    throw new ParaError('USAGE', `one word too many: ${words[1] ?? ''}`, {
      hint: 'para docker queue --help',
    });
  return words[0];
}

async function list(app: App, session: string | undefined): Promise<number> {
  const { session: name, rows } = await showQueue(app, session);
  const commands = rows.map(({ command, state, exitCode }) => ({
    ...command,
    state,
    exit_code: exitCode ?? null,
  }));
  app.output.answer({ session: name, commands }, (paint) =>
    rows.length === 0
      ? `Nothing is in the queue of ${name}.`
      : table(rows, COLUMNS(app.now()), paint, app.output.width),
  );
  return 0;
}

async function cancel(app: App, id: string, session: string | undefined): Promise<number> {
  const { command, state } = await cancelCommand(app, session, id);
  app.output.answer({ id: command.id, was: state }, () =>
    state === 'queued' ? `${command.id} will not be run` : `${command.id} is told to end`,
  );
  return 0;
}

async function tell(app: App, id: string, [signal, ...more]: readonly string[]): Promise<number> {
  if (signal === undefined)
    throw new ParaError('USAGE', 'no signal was named', { hint: `para docker queue signal ${id} TERM` });
  const { command: name = signal } = await signalCommand(app, one(more), { id, signal });
  app.output.answer({ id, signal: name }, () => `${id} is sent ${name}`);
  return 0;
}

async function result(
  app: App,
  id: string,
  {
    session,
    wait,
    json,
  }: { readonly session: string | undefined; readonly wait: boolean; readonly json: boolean },
): Promise<number> {
  const {
    session: name,
    row,
    printed,
    limit,
  } = await resultOf(app, session, {
    ...{ id, wait, signal: app.cancellation.current() },
    say: (text) => {
      app.output.warn(text);
    },
  });
  const { stdout, stderr, cut } = printed;
  const { command, state, exitCode } = row;
  if (json) {
    const text = { stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8'), cut };
    app.output.answer(
      { command, state, exit_code: exitCode ?? null, limit: limit?.details ?? null, ...text },
      () => '',
    );
    return 0;
  }
  if (cut) app.output.note('Only the end of what it printed:');
  // As of `docker exec`: its own bytes, for whoever asked for them.
  app.output.raw(printed);
  if (limit !== undefined) throw limit;
  if (state === 'done' && exitCode !== undefined) return exitCode;
  throw new ParaError('COMMAND_FAILED', `the command ${id} ${WORDS[state] ?? state}`, {
    hint: state === 'queued' || state === 'running' ? `para docker queue wait ${id} ${name}` : undefined,
    details: { state },
  });
}

const WORDS: Readonly<Record<string, string>> = {
  queued: 'has not begun yet',
  running: 'still runs',
  timeout: 'took too long, and was ended',
  cancelled: 'was cancelled',
  interrupted: 'was interrupted: its container was stopped or killed',
};

function line({ command = '', args, type }: QueueRow['command']): string {
  if (type !== 'exec') return [type, command, ...(args ?? [])].join(' ').trimEnd();
  return args === undefined ? command : quote({ file: command, args });
}
