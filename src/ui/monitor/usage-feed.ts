/** What containers use, asked for only while somebody sees it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerStats } from '../../sessions/stats-figures.ts';

const ASK_AGAIN_MS = 10_000;

/** Where the figures come from. */
interface Source {
  figures(signal: AbortSignal): AsyncIterable<readonly ContainerStats[]>;
}

export class UsageFeed {
  /** The last ones; none while nobody wants them. */
  figures: readonly ContainerStats[] = [];
  private readonly source: Source;
  private readonly onChange: () => void;
  private running: AbortController | undefined;

  constructor(source: Source, onChange: () => void) {
    this.source = source;
    this.onChange = onChange;
  }

  /** Begins or ends; the same twice changes nothing. */
  want(isWanted: boolean): void {
    if (isWanted === (this.running !== undefined)) return;
    this.running?.abort();
    this.running = isWanted ? new AbortController() : undefined;
    this.figures = [];
    if (this.running !== undefined) void this.feed(this.running.signal);
  }

  /** An engine that does not answer is told of by the overview, and asked again. */
  private async feed(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const figures of this.source.figures(signal)) this.take(figures, signal);
      } catch {
        this.take([], signal);
      }
      await sleep(ASK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private take(figures: readonly ContainerStats[], signal: AbortSignal): void {
    if (signal.aborted) return;
    this.figures = figures;
    this.onChange();
  }
}
