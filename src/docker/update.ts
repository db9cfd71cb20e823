/** Changing the limits of a container that is there: what the engine says of it is looked at before it is believed. */
import { ParaError } from '../errors.ts';
import { readHeld } from './cgroup.ts';
import type { Engine, EngineCommand, Limits } from './driver.ts';
import { inspect } from './lifecycle.ts';
import type { ExecCalls } from './exec.ts';

interface Calls extends ExecCalls {
  readonly run: <T>(command: EngineCommand<T>, subject: string) => Promise<T>;
}

/** What holds now, and how long. */
export interface Updated {
  readonly limits: Readonly<Record<keyof Limits, number>>;
  /**
   * False when only the kernel has them, and the engine's own notes the old ones, with which it starts the container
   * the next time: podman before 5 (4.3.1 measured).
   */
  readonly isKept: boolean;
}

/** @throws COMMAND_FAILED when neither the engine's `inspect` nor the kernel has them afterwards */
export async function updateLimits(
  engine: Engine,
  calls: Calls,
  name: string,
  limits: Limits,
): Promise<Updated> {
  await calls.run(engine.driver.update(name, limits), `container ${name}`);
  const [info] = await inspect(engine, calls, [name]);
  const isKept = info !== undefined && has(info, limits);
  if (info !== undefined && (isKept || has(await readHeld(info), limits))) {
    const { memoryBytes = info.memoryBytes, cpus = info.cpus, pids = info.pids } = limits;
    return { limits: { memoryBytes, cpus, pids }, isKept };
  }
  throw new ParaError(
    'COMMAND_FAILED',
    `${engine.driver.name} says that the limits of ${name} are changed, but they are not`,
    { hint: `Look at it, then type the same again:\n${engine.driver.name} inspect ${name}` },
  );
}

/** The kernel counts memory in pages, and CPUs in shares of a period. */
const PAGE = 4096;
const CPU = 0.01;

function has(now: Limits, { memoryBytes, cpus, pids }: Limits): boolean {
  const near = (value: number | undefined, asked: number | undefined, within: number): boolean =>
    asked === undefined || (value !== undefined && Math.abs(value - asked) < within);
  return near(now.memoryBytes, memoryBytes, PAGE) && near(now.cpus, cpus, CPU) && near(now.pids, pids, 1);
}
