/** Takes new objects from a sealed directory into the repository, through the quarantine. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ParaError } from '../errors.ts';
import { succeeded } from '../sys/run.ts';
import type { Candidate } from './bring-back-tip.ts';
import { firstFatalLine } from './git.ts';
import { noSpace } from './no-space.ts';
import { withQuarantine } from './quarantine.ts';
import { type Repository, place } from './repository.ts';

/** Most refs that are taken at a time: each is kept, and waited for. */
const MAX_REFS = 2_000;

function tooMany(count: number): ParaError {
  return new ParaError(
    'GIT_REFUSED',
    `the container has ${String(count)} new branches and tags; at most ${String(MAX_REFS)} are taken`,
    { hint: 'nothing was changed; in the container, delete those that nobody needs: git branch -D NAME…' },
  );
}

/**
 * Checks and fetches what the candidates name; returns the inbox refs of those that are not the session's own.
 * The check is git's full strict one (fsck of every new object, and connectivity): a tree with a `.git` entry is
 * refused (A14). It runs on the new objects only, so old history that is not strict does no harm.
 * @throws GIT_FAILED
 */
export async function importTips(
  request: { readonly repo: Repository; readonly session: string; readonly sealedDir: string },
  candidates: readonly Candidate[],
): Promise<readonly string[]> {
  if (candidates.length === 0) return [];
  if (candidates.length > MAX_REFS) throw tooMany(candidates.length);
  const inbox = (name: string): string => `refs/para/inbox/${request.session}/${name}`;
  await withQuarantine(request.repo, request.sealedDir, async (dir) => {
    // That the objects are there, and whole, is what the fetch checks.
    const refs = candidates.map(({ oid }, index) => `${oid} ${quarantined(index)}\n`);
    await writeFile(join(dir, 'packed-refs'), `# pack-refs with: sorted \n${refs.join('')}`);
    const refspecs = candidates.map(
      (one, index) => `+${quarantined(index)}:${inbox(one.own ? 'incoming' : shortName(one))}`,
    );
    await checked(request.repo, {
      args: [
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        '--no-recurse-submodules',
        // More refs than a command line takes.
        '--stdin',
        '--end-of-options',
        dir,
      ],
      input: refspecs.map((refspec) => `${refspec}\n`).join(''),
      config: [
        'fetch.fsckObjects=true',
        'transfer.fsckObjects=true',
        'protocol.file.allow=always',
        'fetch.writeCommitGraph=false',
      ],
      place: place(request.repo),
      cwd: request.repo.commonDir,
      timeoutMs: 600_000,
    });
  });
  return candidates.filter(({ own }) => !own).map((one) => inbox(shortName(one)));
}

/** Refs in a file have to be in the order of their bytes. */
function quarantined(index: number): string {
  return `refs/para/${String(index).padStart(6, '0')}`;
}

/** `heads/feature%2Fx`: one level deep, so no two names can be in each other's way, now or next time. */
function shortName({ name }: Candidate): string {
  const [, kind = '', rest = ''] = /^refs\/(heads|tags)\/(.*)$/.exec(name) ?? [];
  if (kind === '') return name.replace(/^refs\//, '');
  return `${kind}/${rest.replaceAll('%', '%25').replaceAll('/', '%2F')}`;
}

async function checked(repo: Repository, call: Parameters<Repository['git']['attempt']>[0]): Promise<void> {
  const answer = await repo.git.attempt(call);
  if (succeeded(answer)) return;
  const why = `the commits made in the container were not taken: ${firstFatalLine(answer)}`;
  const hint = 'nothing was changed; in the container, git fsck --strict says more';
  throw noSpace(call, answer, why) ?? new ParaError('GIT_FAILED', why, { hint });
}
