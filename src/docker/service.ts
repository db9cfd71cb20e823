/** What para does with containers: the drivers' commands, run. Errors are thrown as ParaError (failure.ts). */
import type { Readable } from 'node:stream';
import { hasCode, ParaError } from '../errors.ts';
import {
  succeeded,
  type AttachOptions as SignalOptions,
  type Captured,
  type Runner,
  type RunRequest,
} from '../sys/run.ts';
import type {
  ContainerInfo,
  ContainerRow,
  ContainerSize,
  ContainerSpec,
  Engine,
  EngineCommand,
  ExecRequest,
  Limits,
  LogsRequest,
  UsageSample,
} from './driver.ts';
import { deadlineOf } from './deadline.ts';
import { execCapture, execTerminal } from './exec.ts';
import { toParaError } from './failure.ts';
import { digestOf } from './image-pattern.ts';
import { inspect, lookAt, provenByInspect, type Lifecycle } from './lifecycle.ts';
import { canMeasure } from './limits.ts';
import { networksOf, type Networks } from './networks.ts';
import { updateLimits, type Updated } from './update.ts';

/** Labels of a thing: `k=v` pairs. */
export type Labels = Readonly<Record<string, string>>;

/** What a caller may add to a call: input, deadline, signal. */
export type CallOptions = Partial<Omit<RunRequest, 'file' | 'args'>>;

/** The engine, as the rest of para sees it. */
export interface DockerService extends Lifecycle, Networks {
  readonly engine: Engine;
  /** @throws DAEMON_NOT_AVAILABLE, ENGINE_PERMISSION_DENIED … when the engine does not answer */
  healthCheck(): Promise<void>;
  /** Pulls unless present, which is asked unless it is known. @returns true when it was pulled */
  ensureImage(image: string, onProgress?: (text: string) => void, isThere?: boolean): Promise<boolean>;
  imageExists(image: string): Promise<boolean>;
  /** The id of what the name stands for now; undefined when there is none. */
  imageId(image: string): Promise<string | undefined>;
  /** The same image by its digest, which names these bytes for ever. @throws REFUSED when the engine knows none */
  pinnedImage(image: string): Promise<string>;
  /** Makes an image of an archive. */
  importImage(reference: string, archive: Readable, labels: Labels): Promise<void>;
  /** Those that carry the labels. */
  images(labels: Labels): Promise<readonly string[]>;
  removeImage(reference: string): Promise<void>;
  /** And connects it to all its networks. @returns the container's id */
  createContainer(spec: ContainerSpec): Promise<string>;
  /** A failed start leaves the container: its maker undoes (engines.md §2.5). */
  startContainer(name: string): Promise<void>;
  killContainer(name: string, signal: string): Promise<void>;
  renameContainer(name: string, wanted: string): Promise<void>;
  unpauseContainer(name: string): Promise<void>;
  /** Undefined when there is no such container. */
  status(name: string): Promise<ContainerInfo | undefined>;
  /** Those that exist. */
  inspect(names: readonly string[]): Promise<readonly ContainerInfo[]>;
  /** What they take on the disk, of those that exist; takes long. */
  sizes(names: readonly string[]): Promise<readonly ContainerSize[]>;
  list(labels: Labels): Promise<readonly ContainerRow[]>;
  /** @throws ENGINE_USAGE when this version can not, RESOURCE_LIMIT_EXCEEDED when the machine or what runs does not allow it */
  updateLimits(name: string, limits: Limits): Promise<Updated>;
  /** What running containers use; none when the engine can not tell. @throws CONTAINER_NOT_FOUND when one is gone */
  stats(containers: readonly string[], options?: CallOptions): Promise<readonly UsageSample[]>;
  /** Runs a command to its end; its exit code is an answer, not an error. `input` goes to stdin. */
  execCapture(request: ExecRequest, options?: CallOptions): Promise<Captured>;
  /** @returns the exit code as the engine reported it (engines.md §1.1.5) */
  execAttach(request: ExecRequest, how?: SignalOptions): Promise<number>;
  /**
   * Runs a command on the caller's terminal. There stderr is the engine's alone, so what it says is an error.
   * @returns the command's exit code
   * @throws CONTAINER_NOT_RUNNING (podman: of a paused one too), CONTAINER_PAUSED, CONTAINER_NOT_FOUND …
   */
  execTerminal(request: ExecRequest, how?: SignalOptions): Promise<number>;
  /** Text of the logs, stdout then stderr. */
  logs(request: LogsRequest): Promise<string>;
  /** Each line of the logs as it comes, kept nowhere, until they end or `signal`. */
  logsLines(request: LogsRequest, how: LinesOptions): Promise<void>;
  /** Logs straight to the caller's terminal. */
  logsAttach(request: LogsRequest): Promise<number>;
}

/** How lines are taken. */
export type LinesOptions = Required<Pick<RunRequest, 'signal' | 'onLine'>>;

/** Options of every call of one service. */
export interface ServiceOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for a pull; 0 = none. Default 30 minutes (podman retries 429 for ever). */
  readonly pullTimeoutMs?: number | undefined;
}

const PULL_TIMEOUT_MS = 30 * 60_000;

interface Calls {
  readonly capture: (command: EngineCommand<unknown>, options?: CallOptions) => Promise<Captured>;
  readonly run: <T>(command: EngineCommand<T>, subject: string, options?: CallOptions) => Promise<T>;
  readonly fail: (captured: Captured, subject: string) => ParaError;
}

/** Makes the service for an engine that was found. */
export function createDockerService(
  engine: Engine,
  runner: Runner,
  options: ServiceOptions = {},
): DockerService {
  const { driver } = engine;
  const calls = engineCalls(engine, runner, options);
  const attach = (command: EngineCommand<unknown>, how?: SignalOptions): Promise<number> =>
    runner.attach({ signal: options.signal, file: engine.binary, args: command.args }, how);
  return {
    engine,
    healthCheck: async () => {
      await calls.run(driver.info(), 'the engine');
    },
    createContainer: async (spec) => {
      const id = await calls.run(driver.create(spec), `container ${spec.name}`);
      const connect = driver.connect(spec);
      if (connect !== undefined) await calls.run(connect, `container ${spec.name}`);
      return id;
    },
    startContainer: (name) => calls.run(driver.start(name), `container ${name}`),
    ...provenByInspect(engine, calls),
    killContainer: (name, signal) => calls.run(driver.kill(name, signal), `container ${name}`),
    renameContainer: (name, wanted) => calls.run(driver.rename(name, wanted), `container ${name}`),
    unpauseContainer: (name) => calls.run(driver.unpause(name), `container ${name}`),
    status: async (name) => (await inspect(engine, calls, [name]))[0],
    inspect: (names) => inspect(engine, calls, names),
    list: (labels) => calls.run(driver.list(labels), 'the list of containers'),
    sizes: (names) => lookAt(engine, calls, names, (all) => driver.sizes(all)),
    updateLimits: (name, limits) => updateLimits(engine, calls, name, limits),
    stats: async (containers, extra) =>
      containers.length === 0 || !canMeasure(engine.capabilities)
        ? []
        : calls.run(driver.stats(containers), 'the containers', extra),
    execCapture: (request, extra) => execCapture(engine, calls, { request, extra }),
    execAttach: (request, how) => attach(driver.exec(request), how),
    execTerminal: (request, how) => execTerminal(engine, attach, { request, how }),
    logs: (request) => logs(engine, calls, request),
    logsLines: async (request, how) => {
      const unkept = { ...how, timeoutMs: 0, keep: false };
      await calls.run(driver.logs(request), `container ${request.container}`, unkept);
    },
    logsAttach: (request) => attach(driver.logs(request)),
    ...networksOf(engine, calls),
    ...imagesOf(engine, calls, options),
  };
}

function engineCalls(engine: Engine, runner: Runner, options: ServiceOptions): Calls {
  const capture: Calls['capture'] = (command, extra = {}) =>
    runner.capture({
      signal: options.signal,
      timeoutMs: deadlineOf(command, engine.callMs),
      ...extra,
      file: engine.binary,
      args: command.args,
    });
  const fail: Calls['fail'] = (captured, subject) => toParaError(engine.driver, captured, subject);
  return {
    capture,
    fail,
    run: async (command, subject, extra) => {
      const captured = await capture(command, extra);
      if (!succeeded(captured)) throw fail(captured, subject);
      return command.parse(captured.stdout);
    },
  };
}

type Images = Pick<
  DockerService,
  'ensureImage' | 'imageExists' | 'imageId' | 'pinnedImage' | 'importImage' | 'images' | 'removeImage'
>;

function imagesOf({ driver }: Engine, calls: Calls, options: ServiceOptions): Images {
  const imageExists = (image: string): Promise<boolean> =>
    unless('IMAGE_NOT_FOUND', calls.run(driver.imageInspect(image), `image ${image}`));
  return {
    imageExists,
    imageId: async (image) => {
      let id: string | undefined;
      const look = async (): Promise<void> => {
        ({ id } = await calls.run(driver.imageInspect(image), `image ${image}`));
      };
      await unless('IMAGE_NOT_FOUND', look());
      return id;
    },
    ensureImage: async (image, onProgress, isThere) => {
      if (isThere ?? (await imageExists(image))) return false;
      const onLine = (line: string): void => {
        const progress = driver.pullProgress(line);
        if (progress !== undefined) onProgress?.(progress);
      };
      await calls.run(driver.pull(image), `image ${image}`, {
        timeoutMs: options.pullTimeoutMs ?? PULL_TIMEOUT_MS,
        onLine,
      });
      return true;
    },
    pinnedImage: async (image) => {
      const { digests } = await calls.run(driver.imageInspect(image), `image ${image}`);
      const pinned = digestOf(image, digests);
      if (pinned !== undefined) return pinned;
      throw new ParaError(
        'REFUSED',
        `${driver.name} knows no digest of ${image} by which it could be pinned`,
        {
          hint: 'One that was made on this machine gets its digest from a registry: push it there and pull it, or start without --pin.',
        },
      );
    },
    importImage: (reference, archive, labels) =>
      calls.run(driver.imageImport(reference, labels), `image ${reference}`, { input: archive }),
    images: (labels) => calls.run(driver.imageList(labels), 'the list of images'),
    removeImage: async (reference) => {
      await unless('IMAGE_NOT_FOUND', calls.run(driver.imageRemove(reference), `image ${reference}`));
    },
  };
}

/** True when the call succeeds, false when it fails with this code; other failures are thrown. */
async function unless(code: 'IMAGE_NOT_FOUND', call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (hasCode(error, code)) return false;
    throw error;
  }
}

async function logs({ driver }: Engine, calls: Calls, request: LogsRequest): Promise<string> {
  const captured = await calls.capture(driver.logs(request));
  if (!succeeded(captured)) throw calls.fail(captured, `container ${request.container}`);
  return captured.stdout + captured.stderr;
}
