import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { Chalk } from 'chalk';
import stringWidth from 'string-width';
import type { Overview } from '../../../src/sessions/overview.ts';
import type { Kept, Shown } from '../../../src/ui/monitor/show.tsx';
import type { ContainerStats } from '../../../src/sessions/stats-figures.ts';
import type * as View from '../../../src/ui/monitor/show.tsx';
import type { Wish } from '../../../src/ui/monitor/state.ts';
import { overviewRow } from '../../support/overview.ts';
import { fakeStream, type FakeStream } from '../../support/streams.ts';

let view: Pick<typeof View, 'showMonitor' | 'NOTHING_SEEN'>;
beforeAll(async () => {
  // ink draws nothing where it takes the terminal for a log.
  Object.assign(process.env, { CI: 'false', CONTINUOUS_INTEGRATION: 'false' });
  view = await import('../../../src/ui/monitor/show.tsx');
});

/** A terminal whose person types, and what it shows. */
class Terminal {
  readonly stop = new AbortController();
  readonly stdout: FakeStream = fakeStream(true);
  readonly modes: boolean[] = [];
  readonly stdin: NodeJS.ReadStream;

  constructor(columns = 80, rows = 24) {
    this.resize(columns, rows);
    const setRawMode = (isRaw: boolean): void => void this.modes.push(isRaw);
    const nothing = (): void => undefined;
    const extra = { isTTY: true, setRawMode, ref: nothing, unref: nothing };
    this.stdin = Object.assign(new PassThrough(), extra) as unknown as NodeJS.ReadStream;
  }

  resize(columns: number, rows: number): void {
    Object.assign(this.stdout, { columns, rows });
    this.stdout.emit('resize');
  }

  show(overview: Overview, kept = view.NOTHING_SEEN): Promise<{ wish: Wish | undefined; kept: Kept }> {
    const shown: Shown = {
      ...{ stdin: this.stdin, stdout: this.stdout, title: 'repo', paint: new Chalk({ level: 1 }) },
      ...{ signal: this.stop.signal, now: () => new Date('2026-01-02T00:00:00Z') },
      look: () => Promise.resolve(overview),
      figures: async function* (signal) {
        feeds += 1;
        yield [figure('session-00')];
        await sleep(60_000, undefined, { signal }).catch(() => undefined);
        feeds -= 1;
      },
      log: (session) => Promise.resolve([`output of ${session}`, 'tok\u001b]0;title\u0007en']),
    };
    return view.showMonitor(shown, kept);
  }

  async type(key: string, shown?: string): Promise<void> {
    (this.stdin as unknown as PassThrough).write(key);
    if (shown !== undefined) await this.until(shown);
  }

  /** Until that is on the screen: ink draws at most 30 times a second. */
  async until(text: string): Promise<void> {
    for (let tries = 0; !this.lines().join('\n').includes(text); tries += 1) {
      if (tries > 200) throw new Error(`never shown: ${text}\n${this.lines().join('\n')}`);
      await sleep(10);
    }
  }

  /** What was drawn last: every drawing wipes the one before, line by line. */
  lines(): string[] {
    const frame = this.stdout.text().split('\u001b[G').at(-1) ?? '';
    return stripVTControlCharacters(frame).replace(/\n$/, '').split('\n');
  }
}

/** How many streams of figures run. */
let feeds = 0;
const figure = (session: string): ContainerStats =>
  ({
    session,
    cpu_percent: 12.345,
    memory_bytes: 2 ** 20,
    memory_limit_bytes: null,
    pids: 1,
  }) as ContainerStats;

let terminal: Terminal;
afterEach(() => {
  terminal.stop.abort();
});
const says = {
  timestamp: '',
  status: 'running',
  phase: 'テスト中です 🚀🚀🚀🚀',
  message: '\u001b[2J日本語',
} as const;
const MANY: Overview = {
  remarks: [],
  sessions: Array.from({ length: 50 }, (_, n) =>
    overviewRow(`session-${String(n).padStart(2, '0')}`, {
      container: 'running',
      says,
      branch: `para/日本/${String(n)}`,
    }),
  ),
};

test.each([
  [80, 24],
  [200, 50],
  [40, 10],
])(
  '%d by %d: one line less than the screen, none wider; the selected one stays in sight',
  async (width, height) => {
    terminal = new Terminal(width, height);
    const ended = terminal.show(MANY);
    await terminal.until('session-00');
    await terminal.type('G', '▸ session-49');
    const lines = terminal.lines();
    expect(lines).toHaveLength(height - 1);
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(width);
    await terminal.type('q');
    await ended;
  },
);

test('the selected one in detail, with its last output; nothing in it reaches the terminal as it is', async () => {
  terminal = new Terminal();
  const ended = terminal.show(MANY);
  await terminal.until('session-00');
  await terminal.type('j', 'output of session-01');
  const text = terminal.lines().join('\n');
  expect(text).toContain('── session-01  para/日本/1 from main');
  expect(text).toContain('says: 日本語');
  expect(text).toContain('output of session-01\ntoken');
  await terminal.type('q');
  const { wish, kept } = await ended;
  expect(wish).toEqual({ kind: 'quit', interrupted: false });
  expect(kept.state.selected).toBe('session-01');
  const own = terminal.stdout.text().replace('\u001b[?1049h\u001b[H\u001b[2J', '');
  expect(own).not.toContain('\u001b[2J');
  expect(own).not.toContain('\u001b]0');
});

test('a resize draws anew, in the new size', async () => {
  terminal = new Terminal();
  const ended = terminal.show(MANY);
  await terminal.until('session-00');
  terminal.resize(120, 30);
  await terminal.until('session-14');
  expect(terminal.lines()).toHaveLength(29);
  await terminal.type('q');
  await ended;
});

test('u shows what containers use, which nobody asks for where it is not shown', async () => {
  terminal = new Terminal();
  const ended = terminal.show(MANY);
  await terminal.until('session-00');
  expect(feeds).toBe(0);
  await terminal.type('u', '1.0 MiB');
  expect(terminal.lines().join('\n')).toMatch(/session-00 .*12\.3% +1\.0 MiB/);
  await terminal.type('u');
  while (feeds > 0) await sleep(5);
  await terminal.type('u', '1.0 MiB');
  await terminal.type('q');
  await ended;
  while (feeds > 0) await sleep(5);
});

test('a remark of an engine, no sessions, help', async () => {
  terminal = new Terminal();
  const ended = terminal.show({ sessions: [], remarks: ['docker does not answer'] });
  await terminal.until('docker does not answer');
  expect(terminal.lines().join('\n')).toMatch(
    /No sessions here\. Start one: {2}para start NAME[^]*docker does not answer/,
  );
  await terminal.type('?', 'Any key goes back.');
  await terminal.type('q', 'No sessions here.');
  await terminal.type('q');
  await ended;
});

test.each(['q', '\u0003', 'signal'])('after %j the terminal is as it was', async (how) => {
  terminal = new Terminal();
  const ended = terminal.show(MANY);
  await terminal.until('session-00');
  if (how === 'signal') terminal.stop.abort();
  else await terminal.type(how);
  const { wish } = await ended;
  expect(wish?.kind).toBe(how === 'signal' ? undefined : 'quit');
  expect(terminal.modes.at(-1)).toBe(false);
  const text = terminal.stdout.text();
  expect(text.startsWith('\u001b[?1049h')).toBe(true);
  expect(text.endsWith('\u001b[?1049l\u001b[?25h')).toBe(true);
});

test('what goes wrong in a look ends the view, and is told', async () => {
  terminal = new Terminal();
  const shown = terminal.show(Promise.reject(new Error('broken')) as unknown as Overview);
  await expect(shown).rejects.toThrow('broken');
  expect(terminal.stdout.text()).toContain('\u001b[?1049l');
});
