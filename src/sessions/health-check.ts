/** Health checks that para runs by exec, where the engine runs none (podman without systemd). */
import type { HealthFile } from '../config/generated/types.ts';
import type { HealthCheck } from '../docker/driver.ts';

/** What the last check came to, as it is kept. */
export type CheckState = NonNullable<HealthFile['check']>;

/** How one check ended. */
export interface Outcome {
  readonly passed: boolean;
  readonly output: string;
}

/** What a check comes to after those before it: engines count the same way. */
export function afterCheck(
  before: CheckState | null,
  outcome: Outcome,
  { check, at }: { readonly check: HealthCheck; readonly at: Date },
): CheckState {
  const since = before?.since ?? at.toISOString();
  const told = { since, at: at.toISOString(), output: outcome.output };
  if (outcome.passed) return { ...told, state: 'healthy', failures: 0 };
  const state = before?.state ?? 'starting';
  const starts = at.getTime() - Date.parse(since) < check.startPeriodSeconds * 1000;
  if (state === 'starting' && starts) return { ...told, state, failures: 0 };
  const failures = (before?.failures ?? 0) + 1;
  return { ...told, state: failures >= check.retries ? 'unhealthy' : state, failures };
}
