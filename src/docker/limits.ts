/** Which limits an engine really holds a container to. */
import { ParaError } from '../errors.ts';
import type { Capabilities } from './driver.ts';

/** Each limit that para sets, and whether the engine enforces it. */
export function enforcedLimits(can: Capabilities): readonly (readonly [string, boolean])[] {
  return [
    ['memory', can.memoryLimit],
    ['cpu', can.cpuLimit],
    ['pids', can.pidsLimit],
  ];
}

/**
 * The names of the limits that the engine takes and does not enforce.
 * @throws RESOURCE_LIMIT_EXCEEDED when there are some and the settings insist on them (`docker.limits`)
 */
export function unenforcedLimits(can: Capabilities, wanted: 'best-effort' | 'required'): readonly string[] {
  const missing = enforcedLimits(can)
    .filter(([, enforced]) => !enforced)
    .map(([name]) => name);
  if (wanted === 'required' && missing.length > 0)
    throw new ParaError(
      'RESOURCE_LIMIT_EXCEEDED',
      `this engine does not enforce limits on ${missing.join(', ')}, and docker.limits is "required"`,
      { hint: 'para doctor\nor go without them:  para config set docker.limits best-effort' },
    );
  return missing;
}

/**
 * False where a container has no cgroup of its own: there podman's `stats` fails, and docker's tells the figures of the
 * whole machine (facts/engines.md §5).
 */
export function canMeasure(can: Pick<Capabilities, 'rootless' | 'cgroupVersion'>): boolean {
  return !(can.rootless && can.cgroupVersion === 1);
}
