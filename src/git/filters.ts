/**
 * Clean and smudge filters. Which file goes through which driver is written in the worktree (`.gitattributes`),
 * so what ran in the container chooses it; a driver may be a script of the tree itself. para therefore turns
 * every driver off, with one exception: git-lfs's own standard command lines stay, because without them a
 * commit would hold whole files where the repository wants pointers, and they run no code of the tree.
 * `required` is turned off as well, or git would refuse to stage at all.
 *
 * Of git-lfs only what goes into a commit: what comes out it would fetch, from wherever `.lfsconfig` in the tree says.
 */
import type { Captured } from '../sys/run.ts';
import type { GitCall, Place, Variables } from './call.ts';

const LFS = /^git-lfs (clean -- %f|smudge -- %f|filter-process)$/;
const DRIVER_KEY = /^filter\.(.*)\.(clean|smudge|process|required)$/s;

/** Pointers are written as they are (git-lfs-smudge(1)). */
export const NO_FETCH: Variables = { GIT_LFS_SKIP_SMUDGE: '1' };

/** The drivers of one place, as far as they are turned off. */
export interface FiltersOff {
  /** Configuration that turns them off. */
  readonly variables: Variables;
  /** Those that would change what is committed: without them a secret may be committed in plain text. */
  readonly cleaning: readonly string[];
}

type Drivers = (call: Pick<GitCall, 'place'>) => Promise<FiltersOff>;

/** Makes a function that tells the drivers of a place; asked of git once per repository, where its worktrees are alike. */
export function filtersOff(spawn: (call: GitCall) => Promise<Captured>): Drivers {
  const known = new Map<string, Promise<Listed>>();
  const list = (place: Place | undefined): Promise<Listed> => {
    const key = JSON.stringify([place?.gitDir, place?.commonDir]);
    const found = known.get(key) ?? listDrivers(spawn, place);
    known.set(key, found);
    // One that was cut off has told nothing.
    found.catch(() => known.delete(key));
    return found;
  };
  return async ({ place }) => {
    const shared = place?.commonDir === undefined ? undefined : await list({ gitDir: place.commonDir });
    return shared === undefined || shared.differs ? list(place) : shared;
  };
}

interface Listed extends FiltersOff {
  /** Another worktree of the repository may have other settings. */
  readonly differs: boolean;
}

/** A worktree has settings of its own only by these: its own file, or files that are read for some of them. */
const OWN_SETTINGS = /^(includeif\.|extensions\.worktreeconfig$)/;

async function listDrivers(
  spawn: (call: GitCall) => Promise<Captured>,
  place: Place | undefined,
): Promise<Listed> {
  const names = '^(filter\\.|includeif\\.|extensions\\.worktreeconfig$)';
  const listed = await spawn({ args: ['config', '-z', '--get-regexp', names], place, read: true });
  const unsafe = new Set<string>();
  const cleaning = new Set<string>();
  let differs = false;
  for (const entry of Buffer.from(listed.stdoutBytes).toString('utf8').split('\0')) {
    const [key, value] = splitOnce(entry);
    differs ||= OWN_SETTINGS.test(key);
    const [, driver, setting] = DRIVER_KEY.exec(key) ?? [];
    if (driver === undefined || setting === 'required' || LFS.test(value)) continue;
    unsafe.add(driver);
    if (setting !== 'smudge' && value !== '') cleaning.add(driver);
  }
  return { variables: toVariables([...unsafe]), cleaning: [...cleaning], differs };
}

function splitOnce(entry: string): [string, string] {
  const at = entry.indexOf('\n');
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}

/** GIT_CONFIG_COUNT and friends: unlike `-c`, they take a driver name with `=` in it. */
function toVariables(drivers: readonly string[]): Variables {
  const settings = drivers.flatMap((driver) => [
    [`filter.${driver}.clean`, ''],
    [`filter.${driver}.smudge`, ''],
    [`filter.${driver}.process`, ''],
    [`filter.${driver}.required`, 'false'],
  ]);
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  settings.forEach(([key = '', value = ''], index) => {
    variables[`GIT_CONFIG_KEY_${String(index)}`] = key;
    variables[`GIT_CONFIG_VALUE_${String(index)}`] = value;
  });
  return variables;
}
