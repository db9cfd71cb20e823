/** What a finish found out that a person did not ask for and should know. */
import type { SpecialFile } from '../git/special-files.ts';
import type { FinishState } from './finish.ts';
import { inWords } from './host-triggers.ts';

/** One text each; a push that failed comes with what the remote said. */
export function finishRemarks(state: FinishState): readonly string[] {
  const lines = [...state.remarks];
  if (state.pushError !== undefined) {
    const words = state.pushError.details?.['stderr'];
    const said = typeof words === 'string' ? words.split('\n') : [];
    lines.push(
      [
        `${state.pushError.message}; the branch is kept here. Again: ${state.pushError.hint ?? 'git push'}`,
        ...said.filter((line) => line !== '').map((line) => `  │ ${line}`),
      ].join('\n'),
    );
  }
  if (state.kept !== undefined) lines.push(`What no commit can hold is in ${state.kept}`);
  else if (state.unheld.length > 0)
    lines.push(
      `Gone with the worktree, as asked: ${state.unheld.slice(0, 8).join(' ')}${state.unheld.length > 8 ? ' …' : ''}`,
    );
  return [...lines, ...withoutSpecial(state.special), ...inWords(state.triggers)];
}

/** Names shown of many. */
const SHOWN = 5;

/** What is said of pipes, sockets and devices that went with a worktree. */
export function withoutSpecial(files: readonly SpecialFile[]): readonly string[] {
  if (files.length === 0) return [];
  const named = files.slice(0, SHOWN).map(({ path, kind }) => `${JSON.stringify(path)} (${kind})`);
  const more = files.length > SHOWN ? `, and ${String(files.length - SHOWN)} more` : '';
  return [`Left out, since no commit can hold it, and gone with the worktree: ${named.join(', ')}${more}`];
}
