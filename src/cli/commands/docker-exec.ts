import { parseEnv } from '../../docker/publish.ts';
import { ParaError } from '../../errors.ts';
import { execInSession } from '../../sessions/containers.ts';
import { resolveEnv } from '../../sessions/env-file.ts';
import { quote } from '../../sys/run.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'exec [session] [command..]',
  usage: '$0 docker exec [session] [options] -- COMMAND [ARG…]',
  describe: 'Run a command in the container of a session',
  positionals: {
    session: { describe: 'Session; without one, the one whose worktree you are in' },
    command: { describe: 'After --: what to run, taken as it is', array: true },
  },
  options: {
    workdir: { alias: 'w', type: 'string', requiresArg: true, describe: 'Directory inside to run it in' },
    env: {
      alias: 'e',
      type: 'string',
      array: true,
      nargs: 1,
      requiresArg: true,
      default: [] as string[],
      describe: 'Environment of the command: NAME=VALUE, or NAME to pass yours',
    },
    interactive: { alias: 'i', type: 'boolean', default: false, describe: 'Taken for granted' },
    tty: { alias: 't', type: 'boolean', default: false, describe: 'Taken for granted on a terminal' },
    detach: {
      alias: 'd',
      type: 'boolean',
      default: false,
      describe: 'Put it into the queue of the container, and print its id',
    },
    timeout: {
      type: 'string',
      requiresArg: true,
      describe: 'With --detach: end it after that many seconds',
    },
    priority: {
      type: 'string',
      requiresArg: true,
      describe: 'With --detach: 0 (before all others) to 9',
      defaultDescription: '5',
    },
  },
  takesRest: true,
  examples: [
    ['$0 docker exec fix-login -- npm test', ''],
    ['$0 docker exec -- git log --oneline', 'from inside the worktree'],
    [
      '$0 docker exec -d --timeout 600 fix-login -- npm test',
      'in the background: para docker queue result ID',
    ],
  ],
  async run(args, app, { rest }) {
    const session = args['session'] as string | undefined;
    const words = (args['command'] ?? []) as readonly string[];
    if (rest.length === 0 || words.length > 0) throw noCommand(session, words, rest);
    if (args.detach) return detach(app, session, rest, args);
    if (args.timeout !== undefined || args.priority !== undefined)
      throw new ParaError('USAGE', '--timeout and --priority are for --detach', {
        hint: `para docker exec --detach ${session ?? ''} -- ${quote({ file: rest[0] ?? '', args: rest.slice(1) })}`,
      });
    return execInSession(app, session, {
      argv: rest,
      streams: { stdinTty: process.stdin.isTTY, stdoutTty: process.stdout.isTTY },
      workdir: args.workdir,
      env: resolveEnv(args.env.map(parseEnv), app.env),
    });
  },
});

interface Detached {
  readonly timeout: string | undefined;
  readonly priority: string | undefined;
  readonly workdir: string | undefined;
  readonly env: readonly string[];
}

async function detach(
  app: App,
  session: string | undefined,
  argv: readonly string[],
  { timeout, priority, workdir, env }: Detached,
): Promise<number> {
  const { queueCommand } = await import('../../sessions/queue-commands.ts');
  const queued = await queueCommand(app, session, {
    ...{ argv, workdir },
    env: resolveEnv(env.map(parseEnv), app.env),
    timeoutSeconds: wholeNumber('--timeout', timeout, { least: 1, most: 31_536_000 }),
    priority: wholeNumber('--priority', priority, { least: 0, most: 9 }),
  });
  if (!queued.running)
    app.output.warn(`the container of ${queued.session} is not running; it runs this when it is started`);
  app.output.answer({ session: queued.session, command: queued.command }, () => queued.command.id);
  return 0;
}

function wholeNumber(
  flag: string,
  text: string | undefined,
  { least, most }: { readonly least: number; readonly most: number },
): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (number >= least && number <= most) return number;
  throw new ParaError(
    'USAGE',
    `${flag} ${JSON.stringify(text)} is not a whole number from ${String(least)} to ${String(most)}`,
    {
      hint: `${flag} ${String(Math.max(least, 5))}`,
    },
  );
}

function noCommand(
  session: string | undefined,
  words: readonly string[],
  rest: readonly string[],
): ParaError {
  const start = `para docker exec ${session ?? '[session]'}`;
  if (words.length > 0)
    return new ParaError('USAGE', 'a command comes after --', {
      hint: `${start} -- ${quote({ file: words[0] ?? '', args: [...words.slice(1), ...rest] })}`,
    });
  const hint =
    session === undefined
      ? 'para docker exec [session] -- COMMAND [ARG…]'
      : `${start} -- sh\nor, for the best shell there is: para docker attach ${session}`;
  return new ParaError('USAGE', 'no command was given', { hint });
}
