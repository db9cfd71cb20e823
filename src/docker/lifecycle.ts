/** Stopping, waking and removing a container: what the engine says of it is looked at before it is believed. */
import { ParaError } from '../errors.ts';
import { succeeded } from '../sys/run.ts';
import type { ContainerInfo, Engine, EngineCommand } from './driver.ts';
import type { ExecCalls } from './exec.ts';
import { unreadable } from './parse.ts';

/** The service's own ways to call its engine. */
interface Calls extends ExecCalls {
  readonly run: <T>(command: EngineCommand<T>, subject: string) => Promise<T>;
}

/** What is proven. */
export interface Lifecycle {
  /** Starts one that was stopped, and looks whether it runs. @returns how it was seen to run */
  wakeContainer(name: string): Promise<ContainerInfo>;
  /** And looks whether it is: what is in it must not go on writing while its work is taken. */
  stopContainer(name: string, graceSeconds: number): Promise<void>;
  /** In any state, at once, and looks whether it is gone; absent is not an error. */
  removeContainer(name: string): Promise<void>;
}

const RETRY_DELAY_MS = 500;

/** An engine's word that it is done is not enough before work is taken away. */
export function provenByInspect(engine: Engine, calls: Calls): Lifecycle {
  const { driver } = engine;
  const look = async (
    name: string,
    wanted: string,
    isSo: (state?: string) => boolean,
  ): Promise<ContainerInfo | undefined> => {
    const [info] = await inspect(engine, calls, [name]);
    if (!isSo(info?.state)) throw untrue(driver.name, name, { wanted, state: info?.state });
    return info;
  };
  return {
    wakeContainer: async (name) => {
      await calls.run(driver.start(name), `container ${name}`);
      const info = await look(name, 'started', (state) => state === 'running');
      if (info === undefined) throw untrue(driver.name, name, { wanted: 'started', state: undefined });
      return info;
    },
    stopContainer: async (name, grace) => {
      await calls.run(driver.stop(name, grace), `container ${name}`);
      await look(name, 'stopped', (state) => state !== 'running' && state !== 'paused');
    },
    removeContainer: async (name) => {
      await removeContainer(engine, calls, name);
      await look(name, 'removed', (state) => state === undefined || state === 'removing');
    },
  };
}

/** The error of an engine that says so, and it is not so. */
function untrue(
  engine: string,
  name: string,
  { wanted, state }: { readonly wanted: string; readonly state: string | undefined },
): ParaError {
  const is = state === undefined ? 'gone' : `there (${state})`;
  return new ParaError(
    'COMMAND_FAILED',
    `${engine} says that container ${name} is ${wanted}, but it is ${is}`,
    {
      hint: `Look at it, then type the same again:\n${engine} inspect ${name}\n${engine} logs ${name}`,
    },
  );
}

/** Those that exist. */
export function inspect(
  engine: Engine,
  calls: ExecCalls,
  names: readonly string[],
): Promise<readonly ContainerInfo[]> {
  return lookAt(engine, calls, names, (all) => engine.driver.inspect(all));
}

/** Found containers come with exit code 1 when one name is absent (engines.md §1.1.7). */
export async function lookAt<T>(
  { driver }: Engine,
  calls: ExecCalls,
  names: readonly string[],
  ask: (names: readonly string[]) => EngineCommand<readonly T[]>,
): Promise<readonly T[]> {
  if (names.length === 0) return [];
  const command = ask(names);
  const captured = await calls.capture(command);
  if (succeeded(captured)) {
    const found = command.parse(captured.stdout);
    // One that is absent has an exit code: an answer without it is none.
    if (found.length >= names.length) return found;
    throw unreadable({ engine: driver.name, command: 'inspect' }, 'the answer lacks what was asked for');
  }
  const error = calls.fail(captured, names.length === 1 ? `container ${names[0] ?? ''}` : 'the containers');
  if (error.code !== 'CONTAINER_NOT_FOUND') throw error;
  return command.parse(captured.stdout);
}

/** The one retry of this module: another client is removing the same container, and the second try finds it gone. */
async function removeContainer({ driver }: Engine, calls: Calls, name: string): Promise<void> {
  for (let tries = 2; ; tries -= 1) {
    const captured = await calls.capture(driver.remove(name));
    if (succeeded(captured)) return;
    const error = calls.fail(captured, `container ${name}`);
    if (error.code === 'CONTAINER_NOT_FOUND') return;
    if (tries <= 1 || !/removal of container .* is already in progress/i.test(captured.stderr)) throw error;
    await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
  }
}
