/** Shows the sessions on the whole screen until a key wants something that is not the view's. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Paint } from '../paint.ts';
import { render, Text, useInput, type Instance } from 'ink';
import type { ReactNode } from 'react';
import type { Overview } from '../../sessions/overview.ts';
import { withUsage } from '../../sessions/overview-usage.ts';
import type { ContainerStats } from '../../sessions/stats-figures.ts';
import { startRound } from '../../sys/rest.ts';
import { shownRows, windowOf } from './rows.ts';
import { layoutOf, Screen, type Size } from './screen.tsx';
import { indexOf, press, showsUsage, START, type Key, type ViewState, type Wish } from './state.ts';
import { letGo, takeScreen } from './terminal.ts';
import { UsageFeed } from './usage-feed.ts';

export type { Task } from './actions.ts';

/** Where the view is, and what it shows. */
export interface Shown {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly title: string;
  readonly paint: Paint;
  /** Ends the view. */
  readonly signal: AbortSignal;
  now(): Date;
  look(): Promise<Overview>;
  /** What a session printed last. */
  log(session: string): Promise<readonly string[]>;
  /** What containers use, again and again until the signal comes. */
  figures(signal: AbortSignal): AsyncIterable<readonly ContainerStats[]>;
}

/** What is kept while another program has the screen. */
export interface Kept {
  readonly state: ViewState;
  readonly overview: Overview | undefined;
}

export const NOTHING_SEEN: Kept = { state: START, overview: undefined };

const LOOK_MS = 2_000;

/** @returns what was wished for; undefined when the signal came. The terminal is as it was before. */
export async function showMonitor(
  shown: Shown,
  kept: Kept,
): Promise<{ readonly wish: Wish | undefined; readonly kept: Kept }> {
  const view = new View(shown, kept);
  const giveBack = takeScreen(shown);
  try {
    return await view.run();
  } finally {
    view.end();
    giveBack();
    await letGo(shown.stdin);
  }
}

/** One showing. */
class View {
  private readonly shown: Shown;
  private state: ViewState;
  private overview: Overview | undefined;
  private log: { readonly session: string | undefined; readonly lines: readonly string[] };
  private instance: Instance | undefined;
  private readonly over = new AbortController();
  private isReading = false;
  private readonly usage: UsageFeed;
  private wish: Wish | undefined;
  /** Rejects with what goes wrong where nobody waits. */
  private readonly failed: Promise<never>;
  private fail: (error: unknown) => void = () => undefined;

  constructor(shown: Shown, { state, overview }: Kept) {
    this.shown = shown;
    this.state = state;
    this.overview = overview;
    this.log = { session: undefined, lines: [] };
    this.usage = new UsageFeed(shown, () => {
      this.draw();
    });
    this.failed = new Promise((_, reject) => (this.fail = reject));
  }

  async run(): Promise<{ readonly wish: Wish | undefined; readonly kept: Kept }> {
    const { signal, stdin, stdout } = this.shown;
    if (signal.aborted) return { wish: undefined, kept: this.kept() };
    const stop = (): void => {
      this.over.abort();
    };
    signal.addEventListener('abort', stop);
    stdout.on('resize', this.draw);
    const options = { stdin, stdout: withoutHeight(stdout), exitOnCtrlC: false, patchConsole: false };
    this.instance = render(this.screen(), options);
    try {
      await Promise.race([
        this.instance.waitUntilExit(),
        this.repeat(),
        this.failed,
        ended(this.over.signal),
      ]);
    } finally {
      stdout.off('resize', this.draw);
      signal.removeEventListener('abort', stop);
    }
    return { wish: this.wish, kept: this.kept() };
  }

  end(): void {
    this.over.abort();
    this.usage.want(false);
    this.instance?.unmount();
  }

  private kept(): Kept {
    return { state: this.state, overview: this.overview };
  }

  /** Looks, shows, rests. */
  private async repeat(): Promise<void> {
    while (!this.over.signal.aborted) {
      const rest = startRound(LOOK_MS);
      this.overview = await this.shown.look();
      this.draw();
      this.readLog().catch(this.fail);
      await sleep(rest(), undefined, { signal: this.over.signal }).catch(() => undefined);
    }
  }

  /** An engine may take long to answer: what is shown does not wait for it. */
  private async readLog(): Promise<void> {
    const session = this.selected();
    if (this.isReading || session === undefined) return;
    this.isReading = true;
    const before = JSON.stringify(this.log);
    try {
      this.log = { session, lines: await this.shown.log(session) };
    } finally {
      this.isReading = false;
    }
    if (JSON.stringify(this.log) !== before) this.draw();
    // Somebody has gone on to another one meanwhile.
    if (session !== this.selected()) await this.readLog();
  }

  private selected(): string | undefined {
    const rows = shownRows(this.overview?.sessions ?? [], this.state.filter, this.state.sort);
    return rows[indexOf(this.state, rows)]?.name;
  }

  private readonly onKeys = (keys: readonly Key[]): void => {
    const before = this.selected();
    for (const key of keys) {
      if (this.wish !== undefined) return;
      const page = layoutOf(this.size()).page;
      const done = press(this.state, key, {
        rows: this.overview?.sessions ?? [],
        page,
        width: this.size().width,
      });
      this.state = done.state;
      this.wish = done.wish;
    }
    if (this.wish !== undefined) this.over.abort();
    else if (this.selected() !== before) this.readLog().catch(this.fail);
    this.draw();
  };

  private readonly draw = (): void => {
    if (this.over.signal.aborted) return;
    this.usage.want(showsUsage(this.state, this.size().width));
    this.instance?.rerender(this.screen());
  };

  private size(): Size {
    return { width: this.shown.stdout.columns || 80, height: this.shown.stdout.rows || 24 };
  }

  private screen(): ReactNode {
    const { title, paint } = this.shown;
    const size = this.size();
    const rows = shownRows(this.overview?.sessions ?? [], this.state.filter, this.state.sort);
    const { page } = layoutOf(size);
    const top = windowOf(rows.length, indexOf(this.state, rows), page, this.state.top);
    this.state = { ...this.state, top };
    const log = this.log.session === this.selected() ? this.log.lines : [];
    const { state, onKeys } = this;
    const overview = this.overview && withUsage(this.overview, this.usage.figures);
    return <Screen {...{ title, paint, size, state, overview, log, onKeys }} now={this.shown.now()} />;
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}

/** ink clears the terminal, what was scrolled away too, when it takes the screen for too low. para fits it itself. */
function withoutHeight(stdout: NodeJS.WriteStream): NodeJS.WriteStream {
  return new Proxy(stdout, {
    get(target, property) {
      if (property === 'rows') return Number.MAX_SAFE_INTEGER;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

/** Until a person has read what a command printed. */
export async function waitForKey(
  { stdin, stdout }: Pick<Shown, 'stdin' | 'stdout'>,
  signal: AbortSignal,
): Promise<void> {
  const pressed = new AbortController();
  const ask = <AnyKey onKey={() => pressed.abort()} />;
  const instance = render(ask, { stdin, stdout, exitOnCtrlC: false, patchConsole: false });
  await ended(AbortSignal.any([signal, pressed.signal]));
  instance.unmount();
  await letGo(stdin);
}

function AnyKey({ onKey }: { readonly onKey: () => void }): ReactNode {
  useInput(onKey);
  return <Text>Press any key to go back.</Text>;
}
