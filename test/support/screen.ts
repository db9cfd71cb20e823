/** A terminal that a test types into and looks at: a tmux of its own, as the engine's user. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './para.ts';

const DEADLINE_MS = 10_000;

export class Screen {
  private readonly world: World;
  private readonly cwd: string;

  private constructor(world: World, cwd: string) {
    this.world = world;
    this.cwd = cwd;
  }

  /** A shell, in a terminal of this size; `para` there is the one under test. */
  static async open(world: World, cwd: string, columns = 80, rows = 24): Promise<Screen> {
    const screen = new Screen(world, cwd);
    const size = ['-x', String(columns), '-y', String(rows)];
    await screen.tmux('-f', '/dev/null', 'new-session', '-d', ...size, 'sh');
    await screen.tmux('set', '-g', 'escape-time', '0');
    const para = `para() { '${process.execPath}' '${world.binary}' "$@"; }`;
    await screen.line(`PS1='$ '; ${para}; clear`);
    return screen;
  }

  async close(): Promise<void> {
    await this.tmux('kill-server').catch(() => undefined);
  }

  /** Keys by tmux's names, such as `Enter`, `C-c`. */
  async keys(...names: readonly string[]): Promise<void> {
    await this.tmux('send-keys', ...names);
  }

  /** Text as it is. */
  async type(text: string): Promise<void> {
    await this.tmux('send-keys', '-l', '--', text);
  }

  async line(text: string): Promise<void> {
    await this.type(text);
    await this.keys('Enter');
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** What is on the screen, line by line. */
  async lines(): Promise<readonly string[]> {
    return (await this.tmux('capture-pane', '-p')).split('\n').map((line) => line.trimEnd());
  }

  /** The screen as soon as it is like this. @throws when it does not get so */
  async until(wanted: RegExp): Promise<string> {
    const end = performance.now() + DEADLINE_MS;
    for (;;) {
      const text = (await this.lines()).join('\n');
      if (wanted.test(text)) return text;
      if (performance.now() > end) throw new Error(`never ${String(wanted)}:\n${text}`);
      await sleep(50);
    }
  }

  /** As soon as a program takes each key as it comes: before that, C-c is a signal to all that the shell runs. */
  async takesKeys(): Promise<void> {
    const tty = (await this.tmux('display', '-p', '#{pane_tty}')).trim();
    const end = performance.now() + DEADLINE_MS;
    for (;;) {
      const { stdout } = await this.world.run(['stty', '-a', '-F', tty], { cwd: this.cwd });
      if (stdout.includes('-icanon')) return;
      if (performance.now() > end) throw new Error(`nothing takes keys: ${stdout}`);
      await sleep(50);
    }
  }

  /** Whether a program has the whole screen, and whether the cursor shows. */
  async modes(): Promise<{ readonly whole: boolean; readonly cursor: boolean }> {
    const told = await this.tmux('display', '-p', '#{alternate_on} #{cursor_flag}');
    return { whole: told.startsWith('1'), cursor: told.trim().endsWith('1') };
  }

  private async tmux(...args: readonly string[]): Promise<string> {
    const ended = await this.world.run(['tmux', '-L', 'para', ...args], {
      ...{ cwd: this.cwd, env: { TMUX_TMPDIR: `${this.world.dir}/tmp`, LC_ALL: 'C.UTF-8', TERM: 'screen' } },
    });
    if (ended.code !== 0) throw new Error(`tmux ${args.join(' ')}: ${ended.stderr}`);
    return ended.stdout;
  }
}
