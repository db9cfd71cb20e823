/** Waiting for other paras: what is said, and who does not want to. */
import { ownerInWords, type Patience } from '../sys/lock.ts';
import type { App } from './app.ts';

/** How the process waits: `--no-wait` refuses, else it is said once who holds what is needed. */
export function patienceOf(
  args: Readonly<Record<string, unknown>>,
  { output, cancellation }: Pick<App, 'output' | 'cancellation'>,
): Patience {
  const onWait: Patience['onWait'] = (owner) => {
    output.note(`Waiting for ${ownerInWords(owner)}`);
  };
  return { wait: args['wait'] !== false, onWait, signal: cancellation.current };
}
