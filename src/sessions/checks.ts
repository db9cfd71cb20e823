/** Runs the health checks that no engine runs, each when it is due, and keeps what they came to. */
import type { HealthFile } from '../config/generated/types.ts';
import type { HealthCheck } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { checkOf } from './container-plan.ts';
import type { Found } from './find.ts';
import { afterCheck, runCheck, type Outcome } from './health-check.ts';
import { changeHealth, readHealth } from './health-file.ts';

/** Checks that are under way. */
export interface Checks {
  /** Begins the session's if it is due; its container runs. Nobody has to wait for its end. */
  begin(service: DockerService, found: Found): Promise<void>;
  /** When all that began have ended. */
  settled(): Promise<void>;
}

/** One at a time for each session; `now` is the clock. */
export function createChecks(now: () => Date): Checks {
  const running = new Map<string, Promise<void>>();
  return {
    begin: async (service, found) => {
      const { places, record } = found;
      const check = checkOf(record.container?.made_with?.health_check);
      if (check === undefined || service.engine.capabilities.healthDriver === 'engine') return;
      if (running.has(record.name)) return;
      const seen = await readHealth(places.docker(record.name));
      if (!isDue(seen, check, now())) return;
      const work = checkOnce(service, found, { check, now }).finally(() => running.delete(record.name));
      running.set(record.name, work);
      // What it throws is for whoever waits.
      work.catch(() => undefined);
    },
    settled: async () => {
      await Promise.all(running.values());
    },
  };
}

function isDue({ check: last }: HealthFile, check: HealthCheck, now: Date): boolean {
  // A clock that was put back does not stop the checks.
  return (
    last === null || Math.abs(now.getTime() - Date.parse(last.at)) >= check.intervalSeconds * 1000 - SLACK_MS
  );
}

/** Who looks every few seconds is a little early at times. */
const SLACK_MS = 200;

async function checkOnce(
  service: DockerService,
  { places, record }: Found,
  { check, now }: { readonly check: HealthCheck; readonly now: () => Date },
): Promise<void> {
  const container = record.container?.name ?? '';
  const outcome = await runCheck(service, container, check).catch(ignoreGone);
  if (outcome === undefined) return;
  await changeHealth(places, record.name, (seen) => ({
    ...seen,
    check: afterCheck(seen.check, outcome, { check, at: now() }),
  }));
}

/** A container that ended, or an engine that went away meanwhile, tells nothing of what runs in it. */
function ignoreGone(error: unknown): Outcome | undefined {
  if (error instanceof ParaError) return undefined;
  throw error;
}
