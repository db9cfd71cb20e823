import { join, resolve } from 'node:path';
import { loadConfig, userConfigPath } from '../../config/load.ts';
import { visible } from '../../config/words.ts';
import { EXIT, ParaError } from '../../errors.ts';
import { openRepository } from '../../git/repository.ts';
import type { Step } from '../../pipeline/step.ts';
import { findSession, sessionHere } from '../../sessions/find.ts';
import { isSessionName } from '../../sessions/name.ts';
import { readAsks, type AskingFile, type AsksOf } from '../../sessions/repository-asks.ts';
import { readApprovals, revokeApprovals, saveApproval } from '../../sessions/trust.ts';
import { isDirectory } from '../../sys/files.ts';
import { shellQuote } from '../../sys/shell-quote.ts';
import type { App } from '../app.ts';
import { ask, canAsk } from '../ask.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'trust [target]',
  describe: 'Show what the files of a repository ask of this machine, and approve it',
  positionals: {
    target: { describe: 'Session, or a directory of the repository; without one, where you are' },
  },
  options: {
    show: { type: 'boolean', default: false, describe: 'Only show it' },
    list: {
      type: 'boolean',
      default: false,
      describe: 'Show all that you have approved, in every repository',
    },
    revoke: {
      type: 'boolean',
      default: false,
      describe: 'Take back all that you approved in the repository',
    },
    base: {
      type: 'string',
      requiresArg: true,
      describe: 'Branch or commit whose .para/docker.json is meant',
      defaultDescription: 'HEAD',
    },
    yes: {
      alias: 'y',
      type: 'boolean',
      default: false,
      describe: 'Approve without a question: with --sha256',
    },
    sha256: {
      ...{ type: 'string', array: true, nargs: 1, requiresArg: true },
      default: [] as string[],
      describe: 'Hash of a file that you have looked at, as --show tells it',
    },
  },
  examples: [
    ['$0 docker trust', 'look at it, then say yes or no'],
    ['$0 docker trust fix-login', 'a .para/docker.json that was changed in a session'],
    ['$0 docker trust --yes --sha256 HEX', 'in a script: just these bytes'],
  ],
  async run(args, app) {
    refuseOdd(args);
    if (args.list) return list(app);
    const of = await asksOf(app, args['target'] as string | undefined, args.base);
    if (args.revoke) return revoke(app, of);
    const files = await readAsks(of);
    const open = files.filter((file) => !file.isApproved);
    if (args.show || open.length === 0) {
      app.output.answer(document(of, files), () => text(of, files));
      return EXIT.ok;
    }
    const chosen = args.yes ? seen(open, args.sha256) : await askFor(app, of, files);
    if (chosen.length === 0) {
      app.output.answer(document(of, files), () => 'Nothing was approved');
      return EXIT.refused;
    }
    await app.run(approveSteps(app, of, chosen), undefined);
    const after = files.map((file) => (chosen.includes(file) ? { ...file, isApproved: true } : file));
    app.output.answer(document(of, after), () =>
      chosen.map(({ file }) => `${file} is approved as it is now; any change to it asks anew`).join('\n'),
    );
    return EXIT.ok;
  },
});

interface Flags {
  readonly show: boolean;
  readonly list: boolean;
  readonly revoke: boolean;
  readonly yes: boolean;
  readonly sha256: readonly string[];
}

/** @throws USAGE for flags that do not go together, or that would approve what nobody has seen */
function refuseOdd({ show, list: all, revoke: back, yes, sha256 }: Flags): void {
  if ([show, all, back, yes].filter(Boolean).length > 1)
    throw new ParaError('USAGE', '--show, --list, --revoke and --yes do not go together', {
      hint: 'para docker trust --help',
    });
  const bad = sha256.find((hash) => !/^[0-9a-f]{64}$/.test(hash));
  if (bad !== undefined)
    throw new ParaError(
      'USAGE',
      `--sha256 ${JSON.stringify(bad.slice(0, 80))} is not 64 hexadecimal digits`,
      {
        hint: 'para docker trust --show',
      },
    );
  if (yes !== sha256.length > 0)
    throw new ParaError('USAGE', '--yes and --sha256 go together: only what was looked at is approved', {
      hint: 'para docker trust --show\npara docker trust --yes --sha256 HEX',
    });
}

/** The session or the repository that is meant. @throws SESSION_NOT_FOUND, NOT_A_REPOSITORY */
async function asksOf(app: App, target: string | undefined, base: string | undefined): Promise<AsksOf> {
  const path = target === undefined || isSessionName(target) ? undefined : resolve(app.cwd, target);
  if (path !== undefined && !(await isDirectory(path)))
    throw new ParaError('USAGE', `${JSON.stringify(target)} is neither a session nor a directory`, {
      hint: 'para docker trust .',
    });
  const repo = path === undefined ? await app.repository() : await openRepository(app.git(), path);
  // A base that is named is that of a session yet to be started.
  const session = target ?? (base === undefined ? await sessionHere(app) : undefined);
  const record =
    path === undefined && session !== undefined ? (await findSession(app, session)).record : undefined;
  const settings = await loadConfig({
    userFile: userConfigPath(app.env, app.home),
    projectFile: join(repo.root, '.para', 'config.json'),
  });
  return { repo, settings, home: app.home, trustDir: app.trustDir, record, base };
}

/** The files with these hashes. @throws REFUSED when one of the hashes is that of no file */
function seen(open: readonly AskingFile[], hashes: readonly string[]): readonly AskingFile[] {
  const unknown = hashes.find((hash) => !open.some(({ sha256 }) => sha256 === hash));
  if (unknown === undefined) return open.filter(({ sha256 }) => hashes.includes(sha256));
  throw new ParaError('REFUSED', `no file that waits for approval has the hash ${unknown}`, {
    hint: 'It may have changed since you looked:\npara docker trust --show',
  });
}

async function askFor(app: App, of: AsksOf, files: readonly AskingFile[]): Promise<readonly AskingFile[]> {
  const open = files.filter((file) => !file.isApproved);
  if (!canAsk(app.output)) {
    const hashes = open.map(({ sha256 }) => `--sha256 ${sha256}`).join(' ');
    const line = `para docker trust${of.record === undefined ? '' : ` ${of.record.name}`}${of.base === undefined ? '' : ` --base ${shellQuote(of.base)}`}`;
    throw new ParaError('REFUSED', 'there is no terminal to ask on, and only a person can approve this', {
      hint: `${line} --show\nand, when it is what you want:\n${line} --yes ${hashes}`,
      details: document(of, files),
    });
  }
  app.output.note(text(of, files));
  const choices = [
    { name: 'no, nothing', value: false },
    { name: 'yes, just as it is now', value: true },
  ];
  return (await ask(app.output, 'Approve what is not approved yet?', choices)) ? open : [];
}

/** One small file each, there whole or not at all. */
function approveSteps(app: App, of: AsksOf, chosen: readonly AskingFile[]): readonly Step<undefined>[] {
  return chosen.map(({ file, sha256, effects }) => ({
    title: 'Writing down your approval',
    run: async (_state, note) => {
      note(file);
      await saveApproval(app.trustDir, {
        ...{ schema: 1, repository: of.repo.root, file, sha256 },
        effects: effects.map((effect) => effect.text),
        paths: effects.flatMap(({ path }) => (path === undefined ? [] : [path])),
        approved_at: app.now().toISOString(),
      });
    },
  }));
}

async function revoke(app: App, { repo }: AsksOf): Promise<number> {
  const revoked = await revokeApprovals(app.trustDir, repo.root);
  app.output.answer({ repository: repo.root, revoked }, () =>
    revoked === 0
      ? `Nothing was approved in ${repo.root}`
      : `Nothing is approved in ${repo.root} any more; containers that are there stay as they were made`,
  );
  return EXIT.ok;
}

async function list(app: App): Promise<number> {
  const approvals = await readApprovals(app.trustDir);
  app.output.answer({ approvals }, () =>
    approvals.length === 0
      ? 'Nothing is approved.'
      : approvals
          .map((one) =>
            [
              `${visible(one.repository)}  ${one.file}  (${one.approved_at}, sha256 ${one.sha256})`,
              ...one.effects.map((effect) => `  ${effect}`),
            ].join('\n'),
          )
          .join('\n'),
  );
  return EXIT.ok;
}

function document({ repo, record }: AsksOf, files: readonly AskingFile[]): Record<string, unknown> {
  return {
    repository: repo.root,
    session: record?.name ?? null,
    files: files.map(({ file, sha256, isApproved: approved, isChanged: changed, effects }) => ({
      ...{ file, sha256, approved, changed },
      effects: effects.map(({ kind, text: what }) => ({ kind, text: what })),
    })),
  };
}

function text({ repo, record }: AsksOf, files: readonly AskingFile[]): string {
  const where = record === undefined ? repo.root : `the session ${record.name}`;
  if (files.length === 0) return `Nothing in ${where} needs your approval.`;
  return files
    .flatMap(({ file, sha256, isApproved: approved, isChanged, effects }) => [
      `${file}  ${approved ? 'approved' : 'not approved'}  (sha256 ${sha256})`,
      ...(isChanged ? ['  is not the one that the session was started from'] : []),
      ...effects.map((effect) => `  ${effect.text}`),
    ])
    .join('\n');
}
