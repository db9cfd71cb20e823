/** Takes the whole screen of a terminal, and gives it back as it was, however the process ends. */
import { setImmediate } from 'node:timers/promises';

// xterm's control sequences: the other screen; cursor; and the first place of an empty screen.
const TAKE = '\u001b[?1049h\u001b[H\u001b[2J';
const GIVE_BACK = '\u001b[0m\u001b[?1049l\u001b[?25h';
const CLEAR = '\u001b[H\u001b[2J';

/** The terminal that is taken. */
interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

/** @returns what gives it back; called twice it does nothing */
export function takeScreen({ stdin, stdout }: Terminal): () => void {
  let isTaken = true;
  // What was drawn for another size is not where it would be wiped.
  const clear = (): void => {
    stdout.write(CLEAR);
  };
  const giveBack = (): void => {
    if (!isTaken) return;
    isTaken = false;
    process.off('exit', giveBack);
    stdout.off('resize', clear);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdout.write(GIVE_BACK);
  };
  process.on('exit', giveBack);
  stdout.prependListener('resize', clear);
  stdout.write(TAKE);
  return giveBack;
}

/** How often it is looked whether the one that draws has stopped listening. */
const TURNS = 100;

/**
 * Whoever only stops listening goes on reading, and takes from the next program what is typed for it. A stream can be
 * paused only once it knows, a turn later, that its last listener is gone.
 */
export async function letGo(stdin: NodeJS.ReadStream): Promise<void> {
  for (let turn = 0; turn < TURNS && stdin.listenerCount('readable') > 0; turn += 1) await setImmediate();
  await setImmediate();
  stdin.resume();
  stdin.pause();
  await setImmediate();
}
