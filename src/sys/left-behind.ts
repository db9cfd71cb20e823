/**
 * Processes go on when the para that started them is killed. What changes files by itself carries a mark in its
 * environment, so that the next para can let it come to its end first.
 */
import { readdir, readFile } from 'node:fs/promises';

const MARK = 'PARA_STARTED_BY';

/** To be added to the environment of a process of this para's. */
export const mark: Readonly<Record<string, string>> = { [MARK]: String(process.pid) };

/** True while a process runs that the para `pid` has marked. Without /proc nobody can tell. */
export async function hasLeftBehind(pid: number): Promise<boolean> {
  const wanted = Buffer.from(`\0${MARK}=${String(pid)}\0`);
  const all = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    all.map(async (name) => {
      const environment = await readFile(`/proc/${name}/environ`).catch(() => Buffer.alloc(0)); // gone, or not ours
      return Buffer.concat([Buffer.of(0), environment]).includes(wanted);
    }),
  );
  return found.includes(true);
}
