/** What a test run may have left: its one temporary directory, and the labels of what it made on engines. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** The directory of this run, made by run-setup.cjs. */
export function runDirectory(): string {
  const path = tmpdir();
  if (!basename(path).startsWith('para-run-')) throw new Error(`${path} is not a test run's directory`);
  return path;
}

/** Where the labels are noted. */
const NOTES = 'labels';

/** Notes that things with this label (`name=value`) on an engine are this run's. */
export function noteLabel(label: string): void {
  appendFileSync(join(runDirectory(), NOTES), `${label}\n`);
}

/** Every label noted so far, once. */
export function notedLabels(): readonly string[] {
  const file = join(runDirectory(), NOTES);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return [...new Set(text.split('\n').filter((line) => line !== ''))];
}

/** Where test/attack/cases.ts notes what was tried. */
export const ATTEMPTS = 'attack-cases';

/** Names in the run's directory that are not a test's. */
export const NOT_LEFT: readonly string[] = [NOTES, ATTEMPTS];
