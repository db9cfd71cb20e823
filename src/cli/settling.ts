/** Before a verb that changes something: what dead paras have left is settled, one line each. */
import { sessionHere } from '../sessions/find.ts';
import { settleLeft } from '../sessions/settle-left.ts';
import type { App } from './app.ts';

/** `words` are the verb's own, such as `docker stop`. */
export async function settleFirst(
  app: App,
  words: string,
  args: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (args['dry-run'] === true) return;
  const here = await sessionHere(app).catch(() => undefined);
  const named = [args['session'], args['name'], args['what-was-done'], here];
  const sessions = new Set(named.filter((name) => typeof name === 'string'));
  const said = await settleLeft(app, { words, sessions }, (steps, state) => app.run(steps, state, 'silent'));
  for (const { text, isDone } of said) {
    if (isDone) app.output.note(text);
    else app.output.warn(text);
  }
}
