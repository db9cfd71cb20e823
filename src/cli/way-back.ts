import { shellQuote } from '../sys/shell-quote.ts';
import type { App } from './app.ts';

/** What to type when the directory we are in went with a session's worktree; no line when it did not. */
export function wayBack(app: App, { worktree, root }: { worktree: string; root: string }): readonly string[] {
  return `${app.cwd}/`.startsWith(`${worktree}/`) ? [`  cd ${shellQuote(root)}`] : [];
}
