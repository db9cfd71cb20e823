/** Tries an engine: one that answers `info` may still be unable to run anything (facts/engines.md §1, §5). */
import { randomBytes } from 'node:crypto';
import { ParaError } from '../errors.ts';
import { succeeded, type Runner } from '../sys/run.ts';
import { deadlineOf } from './deadline.ts';
import type { ContainerSpec, Engine, EngineCommand } from './driver.ts';
import { toParaError } from './failure.ts';

/** An archive without files: the image needs none, since only the engine's own init is run. */
const EMPTY_TAR = Buffer.alloc(1024);

/**
 * Creates and starts a container as hardened as a session's, of an empty image, and takes both away again. No image
 * is needed: the engine's init runs, and that its command does not exist is what is expected.
 * @returns why the engine can run no container, or undefined when it can
 */
export async function tryContainer(
  engine: Engine,
  runner: Runner,
  caller: { readonly uid: number; readonly gid: number },
): Promise<ParaError | undefined> {
  const name = `para-doctor-${randomBytes(4).toString('hex')}`;
  const image = `localhost/para-doctor:${name}`;
  const { driver } = engine;
  const call = async (command: EngineCommand<unknown>, input?: Buffer): Promise<void> => {
    const timeoutMs = deadlineOf(command, engine.callMs);
    const captured = await runner.capture({ file: engine.binary, args: command.args, timeoutMs, input });
    if (!succeeded(captured)) throw toParaError(driver, captured, 'a trial container');
  };
  try {
    await call(driver.imageImport(image), EMPTY_TAR);
    await call(driver.create(trialSpec(engine, caller, { name, image })));
    await call(driver.start(name));
    return undefined;
  } catch (error) {
    if (!(error instanceof ParaError)) throw error;
    return error.code === 'COMMAND_NOT_FOUND' ? undefined : error;
  } finally {
    await call(driver.remove(name)).catch(ignoreRefusal);
    await call(driver.imageRemove(image)).catch(ignoreRefusal);
  }
}

/** What was not made can not be removed. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof ParaError)) throw error;
}

function trialSpec(
  engine: Engine,
  caller: { readonly uid: number; readonly gid: number },
  made: { readonly name: string; readonly image: string },
): ContainerSpec {
  return {
    ...made,
    hostname: 'trial',
    workdir: '/',
    labels: { 'para.schema': '1', 'para.role': 'trial' },
    env: {},
    mounts: [],
    ports: [],
    memoryBytes: 64 * 1024 * 1024,
    cpus: 1,
    pids: 64,
    network: { mode: 'none' },
    user: engine.driver.userMapping(caller, engine.capabilities),
    hardening: 'default',
    command: ['/para-trial'],
  };
}
