/** `metrics.json`: how a session's container was when it was last watched, for other programs. A mirror, as the registry. */
import { join } from 'node:path';
import type { MetricsFile } from '../config/generated/types.ts';
import { isMetricsFile } from '../config/records.ts';
import { isDirectory, readOwnJson, replaceFile } from '../sys/files.ts';

const MAX_BYTES = 64 * 1024;

/** Writes it when something is new. A session that is gone meanwhile has no place for it. */
export async function writeMetrics(
  stateDir: string,
  watched: Omit<MetricsFile, 'schema' | 'changed_at'>,
  now: Date,
): Promise<void> {
  const file = join(stateDir, 'metrics.json');
  const before = await read(file);
  const metrics: MetricsFile = {
    ...{ schema: 1, ...watched },
    changed_at: before?.changed_at ?? now.toISOString(),
  };
  if (before !== undefined && JSON.stringify(sorted(before)) === JSON.stringify(sorted(metrics))) return;
  if (!(await isDirectory(stateDir))) return;
  const text = JSON.stringify({ ...metrics, changed_at: now.toISOString() }, undefined, 2);
  // What is in it para can tell at any time.
  await replaceFile(file, `${text}\n`).catch(() => undefined);
}

function sorted(metrics: MetricsFile): unknown {
  return Object.entries(metrics).sort(([a], [b]) => (a < b ? -1 : 1));
}

async function read(file: string): Promise<MetricsFile | undefined> {
  const data = await readOwnJson(file, MAX_BYTES);
  return isMetricsFile(data) ? (data as MetricsFile) : undefined;
}
