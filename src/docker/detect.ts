/** Finds an engine that answers (design.md §6). Presence of a binary is not availability. */
import { delimiter, isAbsolute } from 'node:path';
import which from 'which';
import { ParaError } from '../errors.ts';
import { succeeded, type Runner } from '../sys/run.ts';
import { readCachedEngine, writeCachedEngine } from './capability-cache.ts';
import type { Engine, EngineCommand, EngineDriver, EngineName } from './driver.ts';
import { docker } from './drivers/docker.ts';
import { podman } from './drivers/podman.ts';
import { askedDeadline, deadlineOf } from './deadline.ts';
import { daemonAt, endpointOf, hostVariable } from './endpoint.ts';
import { toParaError } from './failure.ts';
import { isAtLeast } from './version.ts';

/** What detection needs. */
export interface DetectRequest {
  readonly runner: Runner;
  readonly env: NodeJS.ProcessEnv;
  readonly wanted: 'auto' | EngineName;
  /** Where answers are kept between runs; nothing is kept without it. */
  readonly cacheDir?: string | undefined;
  /** Ask again, whatever the cache says. */
  readonly fresh?: boolean | undefined;
}

/** An engine as `para doctor` shows it. */
export type EngineProbe =
  | { readonly name: EngineName; readonly engine: Engine; readonly error?: undefined }
  | { readonly name: EngineName; readonly engine?: undefined; readonly error: ParaError };

const DRIVERS: Readonly<Record<EngineName, EngineDriver>> = { docker, podman };
const ORDER: readonly EngineName[] = ['docker', 'podman'];

/**
 * The engine to use. With a warm cache no process is spawned.
 * @throws ENGINE_NOT_INSTALLED, DAEMON_NOT_AVAILABLE … naming each engine tried and why it was not taken
 */
export async function detectEngine(request: DetectRequest): Promise<Engine> {
  const failures: (EngineProbe & { readonly error: ParaError })[] = [];
  for (const name of request.wanted === 'auto' ? ORDER : [request.wanted]) {
    const probe = await probeEngine(request, name);
    if (probe.error === undefined) return probe.engine;
    failures.push(probe);
  }
  throw noneAnswers(failures);
}

/** Every engine that is wanted, found or not, with the reason; never throws. */
export async function probeEngines(request: DetectRequest): Promise<readonly EngineProbe[]> {
  const names = request.wanted === 'auto' ? ORDER : [request.wanted];
  return Promise.all(names.map((name) => probeEngine(request, name)));
}

async function probeEngine(request: DetectRequest, name: EngineName): Promise<EngineProbe> {
  try {
    return { name, engine: await findEngine(request, name) };
  } catch (error) {
    return {
      name,
      error:
        error instanceof ParaError
          ? error
          : new ParaError('ENGINE_BROKEN', `${name} could not be asked: ${String(error)}`, { cause: error }),
    };
  }
}

async function findEngine(request: DetectRequest, name: EngineName): Promise<Engine> {
  const binary = await findBinary(name, request.env);
  const callMs = askedDeadline(request.env);
  const endpoint = refuseRemote(name, await endpointOf(name, request.env));
  const daemon = await daemonAt(name, endpoint);
  const cacheKey = { cacheDir: request.cacheDir, binary, endpoint, daemon, env: request.env };
  const cached = request.fresh === true ? undefined : await readCachedEngine(cacheKey);
  if (cached !== undefined) {
    const { version, capabilities } = cached;
    return { driver: DRIVERS[cached.driver], binary, version, endpoint, capabilities, callMs };
  }
  const engine = await askEngine(request, name, { binary, endpoint, callMs });
  await writeCachedEngine(cacheKey, engine);
  return engine;
}

async function findBinary(name: EngineName, env: NodeJS.ProcessEnv): Promise<string> {
  const binary = await onPath(name, env);
  if (binary !== undefined) return binary;
  throw new ParaError('ENGINE_NOT_INSTALLED', `${name} is not on PATH`, {
    hint: `Install ${name}, or add its directory to PATH.`,
  });
}

/** A program by its name. Only absolute entries of PATH count: a relative one would run a file out of the repository. */
export async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const path = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute).join(delimiter);
  const binary = path === '' || name.includes('/') ? null : await which(name, { path, nothrow: true });
  return binary ?? undefined;
}

async function askEngine(
  { runner }: DetectRequest,
  name: EngineName,
  found: Pick<Engine, 'binary' | 'endpoint' | 'callMs'>,
): Promise<Engine> {
  const first = DRIVERS[name];
  const { engine, version } = await ask(runner, first, { ...found, command: first.version() });
  const driver = DRIVERS[engine];
  if (!isAtLeast(version, driver.minVersion)) {
    throw new ParaError('ENGINE_TOO_OLD', `${engine} ${version} is older than ${driver.minVersion}`, {
      hint: `Update ${engine}.`,
    });
  }
  const capabilities = await ask(runner, driver, { ...found, command: driver.info() });
  if (capabilities.remote) throw remoteError(engine, 'a podman machine or remote service');
  return { ...found, driver, version, capabilities };
}

/** The version of the desktop program around an engine; empty when there is none, or it does not say. */
export async function askDesktopVersion(
  { driver, binary, callMs, capabilities }: Engine,
  runner: Runner,
): Promise<string> {
  const command = capabilities.desktop ? driver.desktopVersion() : undefined;
  if (command === undefined) return '';
  return ask(runner, driver, { binary, callMs, command }).catch((error: unknown) => {
    if (error instanceof ParaError) return '';
    throw error;
  });
}

interface Question<T> extends Pick<Engine, 'binary' | 'callMs'> {
  readonly command: EngineCommand<T>;
}

async function ask<T>(runner: Runner, driver: EngineDriver, question: Question<T>): Promise<T> {
  const { binary, callMs, command } = question;
  const timeoutMs = deadlineOf(command, callMs);
  const captured = await runner.capture({ file: binary, args: command.args, timeoutMs });
  if (!succeeded(captured)) throw toParaError(driver, captured, `engine ${driver.name}`);
  return command.parse(captured.stdout);
}

/** @returns what the engine will talk to; a remote one cannot bind-mount the worktree (engines.md §4) */
function refuseRemote(engine: EngineName, endpoint: string): string {
  if (/^(ssh|tcp|https?):/i.test(endpoint)) throw remoteError(engine, endpoint);
  return endpoint;
}

function remoteError(engine: EngineName, what: string): ParaError {
  return new ParaError(
    'ENGINE_BROKEN',
    `${engine} points at another machine (${what}), which cannot see your worktree`,
    {
      hint: `Name a local one for para: ${hostVariable(engine)}=unix:///path/of/its.sock para …`,
    },
  );
}

/** One engine's own error as it is; several as one sentence, with the code of the one that came furthest. */
function noneAnswers(
  failures: readonly { readonly name: EngineName; readonly error: ParaError }[],
): ParaError {
  const [only, ...others] = failures;
  if (only !== undefined && others.length === 0) return only.error;
  const furthest = failures.find(({ error }) => error.code !== 'ENGINE_NOT_INSTALLED')?.error;
  const reasons = failures.map(({ name, error }) => `${name}: ${error.message}`).join('; ');
  return new ParaError(furthest?.code ?? 'ENGINE_NOT_INSTALLED', `no container engine answers (${reasons})`, {
    hint: furthest?.hint ?? 'Install docker or podman, then run para doctor.',
    details: {
      tried: failures.map(({ name, error }) => ({ engine: name, code: error.code, reason: error.message })),
    },
  });
}
