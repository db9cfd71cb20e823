import {
  findNetworkLog,
  followNetworkLog,
  learnFrom,
  readNetworkLog,
  type Learned,
  type NetworkEntry,
  type NetworkLog,
} from '../../sessions/network-log.ts';
import { ParaError } from '../../errors.ts';
import { shellQuote } from '../../sys/shell-quote.ts';
import { amount } from '../../ui/amount.ts';
import { table, type Column } from '../../ui/table.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'network <action> [session]',
  usage: '$0 docker network log [session]\n$0 docker network learn [session]',
  describe: 'See what a restricted container asked to reach, and what its allow-list would need',
  positionals: {
    action: { choices: ['log', 'learn'], describe: 'What to do' },
    session: { describe: 'Session; without one, the one whose worktree you are in' },
  },
  options: {
    follow: { alias: 'f', type: 'boolean', default: false, describe: 'log: go on until Ctrl-C' },
    denied: { type: 'boolean', default: false, describe: 'log: only what was refused' },
  },
  examples: [
    ['$0 docker network log fix-login --denied', ''],
    ['$0 docker network log fix-login -f --json', 'one document a request, for scripts'],
    ['$0 docker network learn fix-login', 'entries for the allow-list, as command lines'],
  ],
  async run(args, app) {
    const log = await findNetworkLog(app, args['session'] as string | undefined);
    if (args['action'] === 'log') return show(app, log, { follow: args.follow, denied: args.denied });
    if (args.follow || args.denied)
      throw new ParaError('USAGE', '--follow and --denied are for the log', {
        hint: 'para docker network log',
      });
    return learn(app, log);
  },
});

async function show(
  app: App,
  log: NetworkLog,
  { follow, denied }: { readonly follow: boolean; readonly denied: boolean },
): Promise<number> {
  const isWanted = ({ verdict }: NetworkEntry): boolean => !denied || verdict !== 'allowed';
  if (!follow) {
    const entries = (await readNetworkLog(log)).filter(isWanted);
    app.output.answer({ session: log.record.name, entries }, (paint) =>
      entries.length === 0
        ? `Nothing was ${denied ? 'refused' : 'asked for'} yet.`
        : entries.map((entry) => lineOf(entry, paint)).join('\n'),
    );
    return 0;
  }
  await followNetworkLog(log, app.cancellation.current(), (entry) => {
    if (isWanted(entry)) app.output.answer({ entry }, (paint) => lineOf(entry, paint));
  });
  return app.cancellation.signalNumber > 0 ? 128 + app.cancellation.signalNumber : 0;
}

/** `2026-01-02 03:04:05  denied   CONNECT example.com:443  not on the allow-list`. */
function lineOf(entry: NetworkEntry, paint: App['output']['paint']): string {
  const { verdict, method, host, port, reason, sent, received } = entry;
  const time = paint.dim(entry.time.slice(0, 19).replace('T', ' '));
  if (verdict === 'more') return `${time}  ${paint.yellow(`and ${String(entry.count ?? 0)} more`)}`;
  const colour = verdict === 'allowed' ? paint.green : paint.red;
  const target = host === null ? '' : ` ${host}:${String(port ?? '?')}`;
  const bytes = sent === null || received === null ? '' : `${amount(sent)} out, ${amount(received)} in`;
  const words = [`${method ?? '-'}${target}`, reason ?? bytes].filter((text) => text !== '');
  return `${time}  ${colour(verdict.padEnd(7))}  ${words.join('  ')}`;
}

const COLUMNS: readonly Column<Learned>[] = [
  { head: 'DOMAIN', cell: ({ entry }) => entry },
  { head: 'TIMES', cell: ({ times }) => String(times) },
  { head: 'PRESET', cell: ({ preset }) => preset ?? '-' },
];

async function learn(app: App, log: NetworkLog): Promise<number> {
  const entries = await readNetworkLog(log);
  const refused = learnFrom(entries);
  const untold = entries.reduce(
    (sum, { verdict, count }) => sum + (verdict === 'more' ? (count ?? 0) : 0),
    0,
  );
  if (untold > 0) app.output.note(`${String(untold)} more were not told apart: there were too many at once`);
  const domains = refused.map(({ entry }) => entry);
  const { own } = await app.config();
  const flags = flagsOf(domains);
  const list = [...new Set([...own.docker.network.allowed_domains, ...domains])];
  const command = `para config set docker.network.allowed_domains ${shellQuote(JSON.stringify(list))}`;
  const proposal = domains.length === 0 ? { flags: '', command: null } : { flags, command };
  app.output.answer({ session: log.record.name, refused, more: untold, ...proposal }, (paint) =>
    domains.length === 0
      ? `Nothing that ${log.record.name} asked for was off its allow-list.`
      : [
          table(refused, COLUMNS, paint, app.output.width),
          'Whatever runs in the container chose these: take what you know.',
          `For one session, when it is started:\n  ${flags}`,
          `For ${log.record.name} itself, now:\n  para docker update ${log.record.name} ${flags}`,
          `For all of yours that are restricted:\n  ${command}`,
        ].join('\n\n'),
  );
  return 0;
}

function flagsOf(domains: readonly string[]): string {
  return domains.map((entry) => `--allow-domain ${shellQuote(entry)}`).join(' ');
}
