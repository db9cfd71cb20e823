/** What is known of the selected session, line by line. */
import stringWidth from 'string-width';
import type { OverviewRow } from '../../sessions/overview.ts';
import { giveSecrets } from '../../sessions/box-kind.ts';
import { age } from '../age.ts';
import { cut } from '../cut.ts';
import { display } from '../display.ts';

/** A line, and how it is painted. */
export interface Line {
  readonly text: string;
  readonly tone?: 'dim' | 'red' | 'yellow' | 'bold';
}

/** Exactly `height` lines, none wider than `width`; what was logged last fills what the rest leaves. */
export function detailLines(
  row: OverviewRow | undefined,
  log: readonly string[],
  { width, height, now }: { readonly width: number; readonly height: number; readonly now: Date },
): readonly Line[] {
  const told = row === undefined ? [] : [rule(row, width), ...facts(row, now), ...troubles(row)];
  const kept = told.slice(0, height);
  const free = height - kept.length - 1;
  const logged = free > 0 ? log.slice(-free) : [];
  const lines = [
    ...kept,
    ...(logged.length > 0 ? [{ text: '── last output ', tone: 'dim' } as const] : []),
    ...logged.map((text) => ({ text })),
  ];
  const filled = [...lines, ...Array<Line>(Math.max(0, height - lines.length)).fill({ text: '' })];
  return filled.map((line) => ({ ...line, text: cut(display(line.text, 2 * width), width) }));
}

function rule({ name, branch, base_ref }: OverviewRow, width: number): Line {
  const head = `── ${name}  ${branch} from ${base_ref} `;
  return { text: head + '─'.repeat(Math.max(0, width - stringWidth(head))), tone: 'bold' };
}

/** How far it reaches, and what of it is not as usual. */
function kindText({ box }: OverviewRow): string {
  if (box === null) return '';
  const { network, hardening, ssh_agent: agent } = box;
  const words = [
    `network ${network}`,
    ...(hardening === 'default' ? [] : [`hardening ${hardening}`]),
    ...(agent ? ['ssh agent'] : []),
  ];
  return ` (${words.join(', ')})`;
}

function facts(row: OverviewRow, now: Date): readonly Line[] {
  const { settle, status, container, ports, worktree } = row;
  const what = container === null ? 'no container' : `container ${container}${kindText(row)}`;
  const where = [worktree, what, ...ports];
  const mend = giveSecrets(row.name, row.box);
  return [
    ...(settle === null ? [] : [{ text: `${status}; to mend it: ${settle}`, tone: 'yellow' } as const]),
    ...(mend === undefined
      ? []
      : [{ text: `its secrets are not in it; to give it them: ${mend}`, tone: 'yellow' } as const]),
    ...healthLines(row, now),
    { text: where.join(' · '), tone: 'dim' },
    ...(row.says === null ? [] : saidLines(row.says, row.said_at, now)),
  ];
}

/** Why it is not well, and why nobody restarts it any more. */
function healthLines(
  { health, health_reason: why, given_up: over }: OverviewRow,
  now: Date,
): readonly Line[] {
  const isWell = health === null || health === 'healthy';
  return [
    ...(isWell || why === null ? [] : [{ text: `${health}: ${why}`, tone: 'yellow' } as const]),
    ...(over === null
      ? []
      : [{ text: `given up ${age(over.at, now)} ago: ${over.reason}`, tone: 'red' } as const]),
  ];
}

function saidLines(says: NonNullable<OverviewRow['says']>, at: string | null, now: Date): readonly Line[] {
  const said = says.message ?? says.progress?.message ?? says.task;
  const when = at === null ? '' : `, ${age(at, now)} ago`;
  const services = Object.entries(says.services ?? {}).map(([name, state]) => `service ${name} ${state}`);
  const todos =
    says.todos === undefined ? [] : [`todos ${String(says.todos.done)}/${String(says.todos.total)}`];
  const more = [...todos, ...services].join(' · ');
  return [
    ...(said === undefined ? [] : [{ text: `says: ${said} (${says.status}${when})` }]),
    ...(more === '' ? [] : [{ text: more }]),
  ];
}

/** The last ones are those that count. */
function troubles({ says, defect }: OverviewRow): readonly Line[] {
  return [
    ...(defect === null
      ? []
      : [{ text: `what it says can not be taken: ${defect}`, tone: 'yellow' } as const]),
    ...(says?.errors ?? []).slice(-3).map((text) => ({ text: `error: ${text}`, tone: 'red' }) as const),
    ...(says?.warnings ?? [])
      .slice(-3)
      .map((text) => ({ text: `warning: ${text}`, tone: 'yellow' }) as const),
  ];
}
