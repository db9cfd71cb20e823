/**
 * What a person has approved of what repositories ask of the host. One small file for each approval, in the user's own
 * state directory and never in a repository: a file is there whole or not at all, whenever para dies.
 */
import { readdir, rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { ApprovalFile } from '../config/generated/types.ts';
import { isApprovalFile } from '../config/records.ts';
import { sha256Of } from '../sys/sha256.ts';
import { ParaError } from '../errors.ts';
import { readOwnJson, replaceFile } from '../sys/files.ts';
import type { HostEffect } from './host-effects.ts';

export type { ApprovalFile };

/** Most bytes of one approval. */
const MAX_APPROVAL = 16 * 1024 * 1024;

/** Where approvals are kept (XDG Base Directory). */
export function trustDir(env: NodeJS.ProcessEnv, home: string): string {
  const state = env['XDG_STATE_HOME'] ?? '';
  return join(isAbsolute(state) ? state : join(home, '.local', 'state'), 'para', 'trust');
}

/** All that can be read, oldest first; of one repository when it is named. What can not be read approves nothing. */
export async function readApprovals(dir: string, repository?: string): Promise<readonly ApprovalFile[]> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => name.endsWith('.json'));
  const mine = repository === undefined ? names : names.filter((name) => name.startsWith(prefix(repository)));
  const read = await Promise.all(mine.map((name) => readOwnJson(join(dir, name), MAX_APPROVAL)));
  return (read.filter(isApprovalFile) as ApprovalFile[])
    .filter((one) => repository === undefined || one.repository === repository)
    .sort((a, b) => (a.approved_at < b.approved_at ? -1 : 1));
}

/** Writes one down, in place of an earlier one of the same bytes; for the user alone (mode 0600). */
export async function saveApproval(dir: string, approval: ApprovalFile): Promise<void> {
  const name = `${prefix(approval.repository)}${sha256Of(Buffer.from(`${approval.file}\0${approval.sha256}`)).slice(0, 32)}.json`;
  await replaceFile(join(dir, name), `${JSON.stringify(approval, undefined, 2)}\n`);
}

/** Takes all of a repository back. @returns how many there were */
export async function revokeApprovals(dir: string, repository: string): Promise<number> {
  const count = (await readApprovals(dir, repository)).length;
  for (const name of await readdir(dir).catch(() => []))
    if (name.startsWith(prefix(repository))) await rm(join(dir, name), { force: true });
  return count;
}

function prefix(repository: string): string {
  return `${sha256Of(Buffer.from(repository)).slice(0, 32)}-`;
}

/** Host paths that were approved for a repository. */
export function approvedPaths(approvals: readonly ApprovalFile[]): readonly string[] {
  return approvals.flatMap(({ paths }) => paths);
}

/** True when these bytes of the file were approved with this effect among what was shown. */
export function isApproved(
  approvals: readonly ApprovalFile[],
  effect: HostEffect,
  sha256: string | undefined,
): boolean {
  return approvals.some(
    (one) => one.file === effect.file && one.sha256 === sha256 && one.effects.includes(effect.text),
  );
}

/** What is to hold before something is made. */
export interface Demand {
  readonly effects: readonly HostEffect[];
  /** SHA-256 of each file that asks, by its name. */
  readonly hashes: Readonly<Record<string, string | undefined>>;
  /** The command that shows it and asks. */
  readonly command: string;
}

/** @throws REFUSED naming each effect that nobody has approved, and the command that asks */
export function requireApproved(approvals: readonly ApprovalFile[], demand: Demand): void {
  const open = demand.effects.filter((effect) => !isApproved(approvals, effect, demand.hashes[effect.file]));
  const [first] = open;
  if (first === undefined) return;
  const more = open.length > 1 ? ` (and ${String(open.length - 1)} more)` : '';
  throw new ParaError('REFUSED', `${first.file} ${first.text}${more}, which you have not approved`, {
    hint: `Look at all that it asks of this machine, and decide:\n${demand.command}`,
    details: { effects: open.map(({ file, kind, text }) => ({ file, kind, text })) },
  });
}
