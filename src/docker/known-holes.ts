/**
 * Versions of what runs containers that have known ways out. Only ever a warning: distributions mend old versions without
 * giving them a new number.
 */
import type { Capabilities, EngineName } from './driver.ts';
import { isAtLeast } from './version.ts';

/** A hole; `mended` has, for each line of versions that got it, the first without, oldest line first. */
interface Hole {
  readonly of: 'runc' | 'Docker Desktop' | EngineName;
  readonly what: string;
  /** The first version that has it; all older ones have it too when there is none. */
  readonly since?: string;
  readonly mended: readonly string[];
}

const HOLES: readonly Hole[] = [
  { of: 'runc', what: 'CVE-2024-21626', mended: ['1.1.12'] },
  {
    of: 'runc',
    what: 'CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881',
    mended: ['1.2.8', '1.3.3', '1.4.0'],
  },
  // The engine asks a resolver on the host's loopback for containers of an internal network.
  { of: 'docker', what: 'CVE-2024-29018', mended: ['23.0.11', '25.0.5', '26.0.0'] },
  // Containers reach the engine itself, at 192.168.65.7:2375 unless that was changed.
  { of: 'Docker Desktop', what: 'CVE-2025-9074', since: '4.25.0', mended: ['4.44.3'] },
];

/** What is known of an engine, its runtime and the desktop program around it, in words; `desktop`: its version. */
export function knownHoles(
  engine: EngineName,
  { runtime, runtimeVersion, serverVersion }: Capabilities,
  desktop = '',
): readonly string[] {
  const versions: Readonly<Partial<Record<Hole['of'], string>>> = {
    ...(runtime === 'runc' && runtimeVersion !== '' ? { runc: runtimeVersion } : {}),
    ...(desktop === '' ? {} : { 'Docker Desktop': desktop }),
    [engine]: serverVersion,
  };
  return HOLES.flatMap(({ of, what, since = '0.0.0', mended }) => {
    const version = versions[of];
    return version === undefined || !isAtLeast(version, since) || isMended(version, mended)
      ? []
      : [`${of} ${version} is known for ${what}`];
  });
}

/** In its own line, or in a line after the last that had it. */
function isMended(version: string, mended: readonly string[]): boolean {
  const line = (text: string): string => text.split('.').slice(0, 2).join('.');
  const own = mended.find((one) => line(one) === line(version));
  return isAtLeast(version, own ?? mended.at(-1) ?? '0.0.0');
}
