/** `--version` of either binary: which engine it really is, and how old. */
import type { EngineName } from './driver.ts';
import { unreadable, type Source } from './parse.ts';

/** The answer of `--version`: a `docker` that is podman's shim says podman (engines.md §4). */
export function readVersion(
  stdout: string,
  source: Source,
): { readonly engine: EngineName; readonly version: string } {
  const match = /^(docker|podman) version v?(\d+\.\d+(?:\.\d+)?)/im.exec(stdout);
  if (match === null) throw unreadable(source, 'neither "Docker version" nor "podman version" is printed');
  return { engine: match[1]?.toLowerCase() === 'podman' ? 'podman' : 'docker', version: match[2] ?? '' };
}

/** The first `x.y.z` of a text; empty without one. */
export function numbersOf(text: string): string {
  return /\d+\.\d+\.\d+/.exec(text)?.[0] ?? '';
}

/** True when `version` is at least `minimum`; both `x.y[.z]`. */
export function isAtLeast(version: string, minimum: string): boolean {
  const have = version.split('.').map(Number);
  const need = minimum.split('.').map(Number);
  for (let index = 0; index < 3; index += 1) {
    const difference = (have[index] ?? 0) - (need[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
