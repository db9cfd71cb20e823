import { parseSize } from '../../config/size.ts';
import { ParaError } from '../../errors.ts';
import { changeDomains, type DomainsWish } from '../../sessions/allowed-domains.ts';
import { updateSession } from '../../sessions/update.ts';
import { amount } from '../../ui/amount.ts';
import type { App } from '../app.ts';
import { LIKENESS_OPTIONS, parseCpus, requireDomains } from '../container-flags.ts';
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
    'allow-domain': {
      ...LIKENESS_OPTIONS['allow-domain'],
      describe:
        'Put this domain, *.domain, domain:port or preset on the allow-list of its restricted network',
    },
    'deny-domain': {
      ...LIKENESS_OPTIONS['allow-domain'],
      describe: 'Take it off the list, and cut what it is used for',
    },
  },
  examples: [
    ['$0 docker update fix-login --memory 8g', ''],
    ['$0 docker update --cpus 0.5 --pids-limit 1024', 'from inside the worktree'],
    ['$0 docker update fix-login --allow-domain npm --deny-domain example.com', 'a restricted one'],
  ],
  async run(args, app) {
    const domains = { allow: args['allow-domain'], deny: args['deny-domain'] };
    const session = args['session'] as string | undefined;
    const wish = {
      memoryBytes: args.memory === undefined ? undefined : parseSize(args.memory),
      cpus: args.cpus === undefined ? undefined : parseCpus(args.cpus),
      pids: args['pids-limit'] === undefined ? undefined : parsePids(args['pids-limit']),
    };
    const isLimit = Object.values(wish).some((value) => value !== undefined);
    if (domains.allow.length + domains.deny.length > 0) {
      if (isLimit)
        throw new ParaError('USAGE', 'limits and domains are changed one after the other', {
          hint: 'Type it twice: once with the limits, once with the domains.',
        });
      return changeList(app, session, domains);
    }
    if (!isLimit)
      throw new ParaError('USAGE', 'no limit was given, and no domain', {
        hint: 'para docker update [session] --memory 8g\npara docker update [session] --allow-domain example.com',
      });
    const { record, limits, isKept } = await updateSession(app, session, wish);
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

async function changeList(app: App, session: string | undefined, wish: DomainsWish): Promise<number> {
  requireDomains('--allow-domain', wish.allow);
  requireDomains('--deny-domain', wish.deny);
  const { name, container } = await changeDomains(app, session, wish);
  const list = container?.restricted?.allowed_domains ?? [];
  app.output.answer({ session: name, container: container?.name, allowed_domains: list }, () =>
    list.length === 0
      ? `The container of ${name} reaches nothing now`
      : `The container of ${name} reaches these now:\n${list.map((entry) => `  ${entry}`).join('\n')}`,
  );
  return 0;
}

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
