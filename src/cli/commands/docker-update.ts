import { parseSize } from '../../config/size.ts';
import { ParaError } from '../../errors.ts';
import { updateSession } from '../../sessions/update.ts';
import { amount } from '../../ui/amount.ts';
import { LIKENESS_OPTIONS, parseCpus } from '../container-flags.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'update [session]',
  changes: true,
  describe: 'Change what the container of a session may use, while it runs',
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {
    memory: LIKENESS_OPTIONS.memory,
    cpus: LIKENESS_OPTIONS.cpus,
    'pids-limit': { type: 'string', requiresArg: true, describe: 'Most processes' },
  },
  examples: [
    ['$0 docker update fix-login --memory 8g', ''],
    ['$0 docker update --cpus 0.5 --pids-limit 1024', 'from inside the worktree'],
  ],
  async run(args, app) {
    const wish = {
      memoryBytes: args.memory === undefined ? undefined : parseSize(args.memory),
      cpus: args.cpus === undefined ? undefined : parseCpus(args.cpus),
      pids: args['pids-limit'] === undefined ? undefined : parsePids(args['pids-limit']),
    };
    if (Object.values(wish).every((value) => value === undefined))
      throw new ParaError('USAGE', 'no limit was given', {
        hint: 'para docker update [session] --memory 8g',
      });
    const { record, limits, isKept } = await updateSession(app, args['session'] as string | undefined, wish);
    const { memoryBytes: memory_bytes, cpus, pids } = limits;
    if (!isKept)
      app.output.warn(
        'The engine forgets it when the container is started again; type the same again then, or use podman 5',
      );
    app.output.answer(
      {
        ...{ session: record.name, container: record.container?.name },
        ...{ limits: { memory_bytes, cpus, pids }, survives_restart: isKept },
      },
      () => `The container of ${record.name} may use ${inWords(limits)}`,
    );
    return 0;
  },
});

function parsePids(text: string): number {
  const pids = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (pids > 0) return pids;
  throw new ParaError('USAGE', `--pids-limit ${JSON.stringify(text)} is not a number of processes`, {
    hint: '--pids-limit 1024',
  });
}

/** 0 is no limit. */
function inWords({ memoryBytes, cpus, pids }: Awaited<ReturnType<typeof updateSession>>['limits']): string {
  const of = (value: number, text: (value: number) => string, what: string): string =>
    value === 0 ? `any ${what}` : text(value);
  return [
    of(memoryBytes, (bytes) => `${amount(bytes)} of memory`, 'memory'),
    of(cpus, (count) => `${String(count)} ${count === 1 ? 'CPU' : 'CPUs'}`, 'CPU'),
    of(pids, (count) => `${String(count)} ${count === 1 ? 'process' : 'processes'}`, 'number of processes'),
  ].join(', ');
}
