/** A script that is found before the real binary: it can note, delay or fail calls, and passes the rest on. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from './para.ts';

export interface Wrapper {
  /** To be set for the commands that shall meet it. */
  readonly env: Readonly<Record<string, string>>;
  /** The calls since the last time, arguments joined by spaces. */
  calls(): string[];
}

/** Wraps `binary`; `before` is shell text that sees the arguments as "$@". */
export function wrap(world: World, binary: string, before = ''): Wrapper {
  const bin = join(world.dir, 'bin');
  mkdirSync(bin, { recursive: true });
  const real = execFileSync('sh', ['-c', 'command -v "$0"', binary], { encoding: 'utf8' }).trim();
  const log = join(world.dir, 'work', `${binary}.calls`);
  writeFileSync(
    join(bin, binary),
    `#!/bin/sh\nprintf '%s\\n' "$(printf '%s ' "$@" | tr '\\n' ' ')" >>'${log}'\n${before}\nexec '${real}' "$@"\n`,
  );
  chmodSync(join(bin, binary), 0o755);
  return {
    env: { PATH: `${bin}:${world.env['PATH'] ?? ''}` },
    calls: () => {
      const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
      rmSync(log, { force: true });
      return lines;
    },
  };
}
