/** How long an engine may take for a call: as its driver says, or as the person who knows a slow machine does. */
import { ParaError } from '../errors.ts';
import type { EngineCommand } from './driver.ts';

const MAX_SECONDS = 86_400;

/** PARA_ENGINE_TIMEOUT in milliseconds; undefined when it is not set. @throws USAGE when it is no number of seconds */
export function askedDeadline(env: NodeJS.ProcessEnv): number | undefined {
  const text = env['PARA_ENGINE_TIMEOUT'] ?? '';
  if (text === '') return undefined;
  const seconds = /^\d{1,5}(\.\d)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds * 1_000;
  throw new ParaError('USAGE', `PARA_ENGINE_TIMEOUT=${JSON.stringify(text)} is not a number of seconds`, {
    hint: 'export PARA_ENGINE_TIMEOUT=120',
  });
}

/** Milliseconds for one call; 0: it may take for ever, since it is not the engine that takes the time. */
export function deadlineOf(
  { timeoutMs, graceMs = 0 }: Pick<EngineCommand<unknown>, 'timeoutMs' | 'graceMs'>,
  asked: number | undefined,
): number {
  const engine = asked !== undefined && timeoutMs !== 0 ? asked : (timeoutMs ?? DEFAULT_MS);
  return engine === 0 ? 0 : engine + graceMs;
}

const DEFAULT_MS = 30_000;
