/** Every attack that was tried, where, and what held: the cells of the table in docs/attacks.md (zz-table.test.ts). */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestEngine } from '../support/engines.ts';
import { ATTEMPTS, runDirectory } from '../support/run-dir.ts';

/** Where an attack was tried; `host`: what para reads is the same whatever engine has written it. */
export type Where = 'host' | TestEngine['id'];

/** One attempt. */
export interface AttackCase {
  /** `A01`–`A44`; further ones are `B…`. */
  readonly attack: string;
  readonly on: Where;
  /** The hardening of the container, or the command of the host that was to fall for it. */
  readonly under: string;
}

/** What `work` returns where the engine has nothing that could hold it: said in the table, and counted as no success. */
export const NOT_ENFORCED = 'not enforced';

/** How it went; `through`: the attack did. */
export type Outcome = 'held' | 'through' | typeof NOT_ENFORCED;

/** The same, and how it went. */
export interface Attempt extends AttackCase {
  readonly outcome: Outcome;
}

/** Where attempts are noted: of this run, or in a file that several runs share, each of which tries a part. */
export function attemptsFile(): string {
  return process.env['PARA_ATTACK_ATTEMPTS'] || join(runDirectory(), ATTEMPTS);
}

/** One attempt, which has held when `work` returns, unless that is NOT_ENFORCED. */
export async function attack<T>(one: AttackCase, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    note({ ...one, outcome: result === NOT_ENFORCED ? NOT_ENFORCED : 'held' });
    return result;
  } catch (cause) {
    note({ ...one, outcome: 'through' });
    throw new Error(`${one.attack} on ${one.on}, ${one.under}: ${String(cause)}`, { cause });
  }
}

/** Several that follow each other in one test; one that gets through does not hide the rest. */
export async function attacks<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const through: string[] = [];
  for (const one of all)
    await work(one).catch((error: unknown) => {
      through.push(error instanceof Error ? error.message : String(error));
    });
  if (through.length > 0) throw new Error(through.join('\n\n'));
}

function note(attempt: Attempt): void {
  appendFileSync(attemptsFile(), `${JSON.stringify(attempt)}\n`);
}
