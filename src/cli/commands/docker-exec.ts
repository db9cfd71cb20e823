import { parseEnv } from '../../docker/publish.ts';
import { ParaError } from '../../errors.ts';
import { execInSession } from '../../sessions/containers.ts';
import { resolveEnv } from '../../sessions/env-file.ts';
import { quote } from '../../sys/run.ts';
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
  },
  takesRest: true,
  examples: [
    ['$0 docker exec fix-login -- npm test', ''],
    ['$0 docker exec -- git log --oneline', 'from inside the worktree'],
  ],
  async run(args, app, { rest }) {
    const session = args['session'] as string | undefined;
    const words = (args['command'] ?? []) as readonly string[];
    if (rest.length === 0 || words.length > 0) throw noCommand(session, words, rest);
    return execInSession(app, session, {
      argv: rest,
      streams: { stdinTty: process.stdin.isTTY, stdoutTty: process.stdout.isTTY },
      workdir: args.workdir,
      env: resolveEnv(args.env.map(parseEnv), app.env),
    });
  },
});

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
