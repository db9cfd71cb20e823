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

/** Makes a function that gives the overriding configuration of a place; asked of git once per place. */
export function filterOverrides(
  spawn: (call: GitCall) => Promise<Captured>,
): (call: GitCall) => Promise<Variables> {
  const known = new Map<string, Promise<Variables>>();
  return (call) => {
    const key = JSON.stringify([call.place?.gitDir, call.place?.commonDir]);
    const found = known.get(key) ?? listDrivers(spawn, call).then(toVariables);
    known.set(key, found);
    return found;
  };
}

async function listDrivers(spawn: (call: GitCall) => Promise<Captured>, call: GitCall): Promise<string[]> {
  const listed = await spawn({
    args: ['config', '-z', '--get-regexp', '^filter\\.'],
    place: call.place,
    read: true,
  });
  const unsafe = new Set<string>();
  for (const entry of Buffer.from(listed.stdoutBytes).toString('utf8').split('\0')) {
    const [key, value] = splitOnce(entry);
    const [, driver, setting] = DRIVER_KEY.exec(key) ?? [];
    if (driver !== undefined && setting !== 'required' && !LFS.test(value)) unsafe.add(driver);
  }
  return [...unsafe];
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
