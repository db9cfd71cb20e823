/** Health checks that para runs by exec, where the engine runs none (podman without systemd). */
import { randomUUID } from 'node:crypto';
import type { HealthFile } from '../config/generated/types.ts';
import type { HealthCheck } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { INSIDE } from '../docker/spec.ts';
import { hasCode } from '../errors.ts';
import { killInside } from './containers.ts';

/** What the last check came to, as it is kept. */
export type CheckState = NonNullable<HealthFile['check']>;

/** How one check ended. */
export interface Outcome {
  readonly passed: boolean;
  readonly output: string;
}

const MOST_OUTPUT = 512;

/**
 * Runs the check once; that it takes too long is an answer.
 * @throws CONTAINER_NOT_RUNNING …; DEADLINE when the engine does not even answer when the check is to be killed
 */
export async function runCheck(
  service: DockerService,
  container: string,
  check: HealthCheck,
): Promise<Outcome> {
  const id = randomUUID();
  const request = {
    ...{ container, argv: ['sh', '-c', check.command], env: { PARA_EXEC_ID: id } },
    ...{ tty: false, stdin: false, workdir: INSIDE.workspace },
  };
  try {
    const options = { timeoutMs: check.timeoutSeconds * 1000 };
    const { exitCode, stdout, stderr } = await service.execCapture(request, options);
    return { passed: exitCode === 0, output: (stdout + stderr).trim().slice(-MOST_OUTPUT) };
  } catch (error) {
    if (!hasCode(error, 'DEADLINE')) throw error;
    await killInside(service, container, id, 'SIGKILL');
    return { passed: false, output: `it took longer than ${String(check.timeoutSeconds)} s` };
  }
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
