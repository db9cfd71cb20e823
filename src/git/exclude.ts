/** Hides para's own files from git without touching a tracked file. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Repository } from './repository.ts';

const LINES = ['/.para/worktrees/', '/.para/state/'];

/** Adds para's directories to the common `info/exclude`, once; what is there stays, byte for byte. */
export async function hideParaFiles(repo: Pick<Repository, 'commonDir'>): Promise<void> {
  const file = join(repo.commonDir, 'info', 'exclude');
  const before = await readFile(file).catch(() => Buffer.alloc(0));
  const present = new Set(before.toString('utf8').split(/\r?\n/));
  const missing = LINES.filter((line) => !present.has(line));
  if (missing.length === 0) return;
  const gap = before.length > 0 && before.at(-1) !== 0x0a ? '\n' : '';
  await mkdir(join(repo.commonDir, 'info'), { recursive: true });
  const temporary = `${file}.para-${String(process.pid)}`;
  await writeFile(temporary, Buffer.concat([before, Buffer.from(`${gap}${missing.join('\n')}\n`)]));
  await rename(temporary, file);
}
