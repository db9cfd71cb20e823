/**
 * Files that go through a clean filter which para does not run: what would be committed is not what the user's own git
 * would commit, but for instance a secret in plain text.
 */
import { lstat } from 'node:fs/promises';
import { ParaError } from '../errors.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import type { GitCall, Place } from './git.ts';
import type { Repository } from './repository.ts';

/** A file, and the filter that its attributes name. */
interface Filtered {
  readonly path: Buffer;
  readonly filter: string;
}

/**
 * Leaves out of `paths` (those to be staged) the files that need a filter and were not touched since the checkout:
 * without the filter git can not tell that they are as they were. @throws REFUSED naming those that were, GIT_FAILED
 */
export async function withoutFiltered(
  repo: Pick<Repository, 'git'>,
  place: Place,
  paths: readonly Buffer[],
): Promise<readonly Buffer[]> {
  const found = await filtered(repo, place, paths);
  if (found.length === 0) return paths;
  const checkedOut = await changeTimes(repo, place);
  const touched: Filtered[] = [];
  for (const one of found) {
    const { ctimeNs } = await lstat(within(place, one.path), { bigint: true });
    if (checkedOut.get(one.path.toString('latin1')) !== ctimeNs) touched.push(one);
  }
  if (touched.length > 0) throw refused(place, touched);
  const untouched = new Set(found.map(({ path }) => path.toString('latin1')));
  return paths.filter((path) => !untouched.has(path.toString('latin1')));
}

async function filtered(
  { git }: Pick<Repository, 'git'>,
  place: Place,
  paths: readonly Buffer[],
): Promise<readonly Filtered[]> {
  const drivers = new Set(paths.length === 0 ? [] : await git.filtersNotRun(place));
  if (drivers.size === 0) return [];
  const call: GitCall = {
    args: ['check-attr', '-z', '--stdin', 'filter'],
    input: Buffer.concat(paths.flatMap((path) => [path, Buffer.of(0)])),
    place,
    read: true,
  };
  // For each path: path, attribute, value.
  const fields = (await git.bytes(call)).toString('latin1').split('\0');
  const found: Filtered[] = [];
  for (const [index, path] of paths.entries()) {
    const filter = Buffer.from(fields[index * 3 + 2] ?? '', 'latin1').toString('utf8');
    if (!drivers.has(filter)) continue;
    if ((await lstat(within(place, path)).catch(() => undefined))?.isFile() === true)
      found.push({ path, filter });
  }
  return found;
}

const ENTRY = /([^\0]*)\0 {2}ctime: (\d+):(\d+)\n {2}mtime: .*\n {2}dev: .*\n {2}uid: .*\n {2}size: .*\n/gy;

/**
 * When each file of the index was last changed, in nanoseconds. Nobody but the kernel sets that time, so what was
 * written later, in a container too, has another one.
 */
async function changeTimes(
  { git }: Pick<Repository, 'git'>,
  place: Place,
): Promise<ReadonlyMap<string, bigint>> {
  const listed = await git.bytes({ args: ['ls-files', '-z', '--debug'], place, read: true });
  const entries = listed.toString('latin1').matchAll(ENTRY);
  return new Map(
    [...entries].map(([, path = '', seconds = '0', nanos = '0']) => [
      path,
      BigInt(seconds) * 1_000_000_000n + BigInt(nanos),
    ]),
  );
}

function within({ workTree = '' }: Place, path: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${workTree}/`), path]);
}

function refused({ workTree = '' }: Place, touched: readonly Filtered[]): ParaError {
  const paths = touched.map(({ path }) => path.toString('utf8'));
  const filters = [...new Set(touched.map(({ filter }) => filter))];
  const git = `git -C ${shellQuote(workTree)}`;
  const more = paths.length > 5 ? ', …' : '';
  const names = paths.slice(0, 5).map((path) => JSON.stringify(path));
  return new ParaError(
    'REFUSED',
    `these have a filter (${filters.join(', ')}), which para does not run where a container has worked: ${names.join(', ')}${more}`,
    {
      hint: `commit them yourself in the worktree, then finish. Look at them first, and at .gitattributes:\n${git} add -- ${paths.slice(0, 5).map(shellQuote).join(' ')}${more === '' ? '' : ' …'}\n${git} commit`,
      details: { paths, filters },
    },
  );
}
