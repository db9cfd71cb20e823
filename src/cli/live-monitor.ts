/** The live view, and what is done from it: a para of its own for each command, with the whole terminal. */
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../errors.ts';
import { readLastOutput } from '../sessions/last-output.ts';
import { watchOver } from '../sessions/watch-over.ts';
import { watchStats } from '../sessions/stats.ts';
import type { ContainerStats } from '../sessions/stats-figures.ts';
import { NOTHING_SEEN, showMonitor, waitForKey, type Task } from '../ui/monitor/show.tsx';
import type { App } from './app.ts';

/** For a look while a person watches. */
const LIVE = { patienceMs: 1_500, counts: 4 };

/** Shows the view until it is quit. @returns the exit code */
export async function liveMonitor(app: App, stats: boolean): Promise<number> {
  const signal = app.cancellation.current();
  const look = watchOver(app);
  const terminal = { stdin: process.stdin, stdout: process.stdout };
  const view = {
    ...terminal,
    ...{ paint: app.output.paint, signal, title: basename((await app.repository()).root) },
    now: () => app.now(),
    look: () => look(LIVE),
    log: readLastOutput(app),
    figures: (over: AbortSignal) => figuresOf(app, over),
  };
  let kept = stats ? { ...NOTHING_SEEN, state: { ...NOTHING_SEEN.state, usage: true } } : NOTHING_SEEN;
  while (!signal.aborted) {
    const shown = await showMonitor(view, kept);
    kept = shown.kept;
    const { wish } = shown;
    if (wish?.kind === 'quit') {
      // Who is still being asked is not waited for.
      app.cancellation.request(0);
      return wish.interrupted ? EXIT.interrupted : EXIT.ok;
    }
    if (wish?.kind === 'suspend') await suspend();
    if (wish?.kind === 'run') {
      const code = await runTask(app, wish.task);
      if (code !== 0 || !wish.task.isQuiet) await waitForKey(terminal, signal);
    }
  }
  return 128 + app.cancellation.signalNumber;
}

/** As often as is worth what an engine does for it. */
const FIGURES_MS = 5_000;

async function* figuresOf(app: App, signal: AbortSignal): AsyncGenerator<readonly ContainerStats[]> {
  const ours = { sessions: [], all: false };
  for await (const { rows } of watchStats(app, ours, { signal, everyMs: FIGURES_MS })) yield rows;
}

/** A para of its own: what it does, asks and undoes is what it would do when it was typed. */
async function runTask(app: App, { args }: Task): Promise<number> {
  const [main = ''] = process.argv.slice(1);
  const flags = app.output.paint.level === 0 ? ['--no-color'] : [];
  const engine = await app.wantedEngine();
  app.output.note(`para ${args.join(' ')}`);
  const own = [...flags, ...(engine === 'auto' ? [] : ['--engine', engine])];
  const file = process.execPath;
  return app.cancellation.lend(() =>
    app.runner.attach({ file, args: [main, ...own, ...args], cwd: app.cwd }, { onSignal }),
  );
}

/** The terminal has told it of a Ctrl-C already; everything else is passed on. */
function onSignal(signal: NodeJS.Signals): Promise<void> {
  return signal === 'SIGINT' ? Promise.resolve() : Promise.reject(new Error(signal));
}

/** As the terminal does for a Ctrl-Z: all that was started with para stops, until the shell goes on with it. */
async function suspend(): Promise<void> {
  process.kill(0, 'SIGTSTP');
  await sleep(50);
}
