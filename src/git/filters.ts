/**
 * Clean and smudge filters. Which file goes through which driver is written in the worktree (`.gitattributes`),
 * so what ran in the container chooses it; a driver may be a script of the tree itself. para therefore turns
 * every driver off, with one exception: git-lfs's own standard command lines stay, because without them a
 * commit would hold whole files where the repository wants pointers, and they run no code of the tree.
 * `required` is turned off as well, or git would refuse to stage at all.
 */
import type { Captured } from '../sys/run.ts';
import type { GitCall, Variables } from './call.ts';

const LFS = /^git-lfs (clean -- %f|smudge -- %f|filter-process)$/;
const DRIVER_KEY = /^filter\.(.*)\.(clean|smudge|process|required)$/s;

/** The drivers of one place, as far as they are turned off. */
export interface FiltersOff {
  /** Configuration that turns them off. */
  readonly variables: Variables;
  /** Those that would change what is committed: without them a secret may be committed in plain text. */
  readonly cleaning: readonly string[];
}

/** Makes a function that tells the drivers of a place; asked of git once per place. */
export function filtersOff(
  spawn: (call: GitCall) => Promise<Captured>,
): (call: Pick<GitCall, 'place'>) => Promise<FiltersOff> {
  const known = new Map<string, Promise<FiltersOff>>();
  return (call) => {
    const key = JSON.stringify([call.place?.gitDir, call.place?.commonDir]);
    const found = known.get(key) ?? listDrivers(spawn, call);
    known.set(key, found);
    // One that was cut off has told nothing.
    found.catch(() => known.delete(key));
    return found;
  };
}

async function listDrivers(
  spawn: (call: GitCall) => Promise<Captured>,
  call: Pick<GitCall, 'place'>,
): Promise<FiltersOff> {
  const listed = await spawn({
    args: ['config', '-z', '--get-regexp', '^filter\\.'],
    place: call.place,
    read: true,
  });
  const unsafe = new Set<string>();
  const cleaning = new Set<string>();
  for (const entry of Buffer.from(listed.stdoutBytes).toString('utf8').split('\0')) {
    const [key, value] = splitOnce(entry);
    const [, driver, setting] = DRIVER_KEY.exec(key) ?? [];
    if (driver === undefined || setting === 'required' || LFS.test(value)) continue;
    unsafe.add(driver);
    if (setting !== 'smudge' && value !== '') cleaning.add(driver);
  }
  return { variables: toVariables([...unsafe]), cleaning: [...cleaning] };
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
