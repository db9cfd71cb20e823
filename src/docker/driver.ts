/**
 * What para knows of one engine. A container command is data (`args` + `parse`); only the service, through the
 * runner, makes it happen. Drivers are complete tables without inheritance (ARCHITECTURE.md, creed 1 and 3).
 */
import type { ErrorCode } from '../errors.ts';

/** The engines para has a driver for. */
export type EngineName = 'docker' | 'podman';

/** One engine call: everything after the binary, and how to read what it prints. */
export interface EngineCommand<T> {
  readonly args: readonly string[];
  /** Reads stdout. Throws ENGINE_OUTPUT_UNREADABLE, never returns an empty answer for a broken one. */
  parse(stdout: string): T;
  /** Milliseconds that the engine may take; 0 = none (pull). Default 30 000. */
  readonly timeoutMs?: number;
  /** Milliseconds on top, for what runs in the container. */
  readonly graceMs?: number;
}

/** A bind mount, already resolved to absolute host paths. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** A published port; `hostPort` 0 lets the engine choose. */
export interface PortMapping {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp';
}

/** How the caller's uid is mapped so that files written in the container belong to the caller (engines.md §5). */
export type UserMapping =
  /** `--user uid:gid`: rootful docker and podman. */
  | { readonly kind: 'user'; readonly uid: number; readonly gid: number }
  /** `--userns keep-id`: rootless podman. */
  | { readonly kind: 'keep-id' }
  /** Nothing: rootless docker, where container root is the caller. */
  | { readonly kind: 'root-is-caller' };

/** A check whether what runs in a container is well. */
export interface HealthCheck {
  /** A line for `sh`. */
  readonly command: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
  /** Time after a start in which failures do not count. */
  readonly startPeriodSeconds: number;
}

/** How a container is connected. */
export type ContainerNetwork =
  | { readonly mode: 'none' }
  | { readonly mode: 'bridge'; readonly name: string }
  /** To a closed network alone, at a fixed address; names are not resolved in it but for the proxy's. */
  | {
      readonly mode: 'closed';
      readonly name: string;
      readonly address: string;
      readonly proxy: string;
    }
  /** The proxy itself: to an ordinary network, and to a closed one at a fixed address. */
  | {
      readonly mode: 'between';
      readonly name: string;
      readonly closed: string;
      readonly address: string;
    };

/** Everything `create` needs, resolved, absolute and checked; frozen. */
export interface ContainerSpec {
  readonly name: string;
  readonly hostname: string;
  readonly image: string;
  readonly workdir: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Not for secrets: these show in `inspect`. */
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly ports: readonly PortMapping[];
  readonly memoryBytes: number;
  /** Number of CPUs, fractions allowed. */
  readonly cpus: number;
  readonly pids: number;
  readonly network: ContainerNetwork;
  /** Of the container's own namespaces; none by default. */
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
  /** Most that the engine keeps of what it prints, in MiB; all of it by default. */
  readonly logMegabytes?: number | undefined;
  readonly user: UserMapping;
  /** strict adds a read-only root; off drops caps, no-new-privileges and limits-on-by-default hardening. */
  readonly hardening: 'strict' | 'default' | 'off';
  readonly command: readonly string[];
  /** For the engine to run; undefined when there is none, or para runs it. */
  readonly health?: HealthCheck | undefined;
  /** Where a tmpfs is for its secrets, which its user alone can read; undefined: it has none. */
  readonly secrets?: string | undefined;
}

export type ContainerState =
  'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead' | 'unknown';

/** Normalised `inspect`: the same for every engine and version. */
export interface ContainerInfo {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly state: ContainerState;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Of its first process, where the engine runs; 0 when it does not run. */
  readonly pid: number;
  /** The engine's own words for a failed start; '' when none. */
  readonly error: string;
  /** RFC 3339, or undefined for "never". */
  readonly createdAt: string | undefined;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  readonly restartCount: number;
  readonly ports: readonly PortMapping[];
  readonly mounts: readonly {
    readonly source: string;
    readonly target: string;
    readonly writable: boolean;
  }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pids: number;
  /** Names of the networks that it is, or will be, connected to. */
  readonly networks: readonly string[];
}

/** A row of `ps`: what a list can know from one call. */
export interface ContainerRow {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly state: ContainerState;
  /** The engine's own text, such as "Up 5 minutes (healthy)"; untrusted. */
  readonly status: string;
  readonly ports: readonly PortMapping[];
}

/** What a container uses, as its engine tells it; undefined where it does not. */
export interface UsageSample {
  readonly id: string;
  /** Of one CPU: two busy ones are 200. */
  readonly cpuPercent: number | undefined;
  /** CPU time since it was started, where `cpuPercent` is only the mean over all that time. */
  readonly cpuNanos: number | undefined;
  readonly memoryBytes: number | undefined;
  /** What the kernel holds it to; the whole machine's when there is no limit. */
  readonly memoryLimitBytes: number | undefined;
  readonly pids: number | undefined;
  readonly netRxBytes: number | undefined;
  readonly netTxBytes: number | undefined;
  readonly blockReadBytes: number | undefined;
  readonly blockWriteBytes: number | undefined;
}

/** What a container takes on the engine's disk. */
export interface ContainerSize {
  readonly name: string;
  /** Written outside its mounts; undefined when the engine does not tell. */
  readonly layerBytes: number | undefined;
  /** Where the volumes are that the engine made for it, on its own machine. */
  readonly volumes: readonly string[];
  /** Where its main process's output is, on its own machine. */
  readonly logFile: string | undefined;
}

/** What a container may use; what is left out stays as it is. */
export interface Limits {
  readonly memoryBytes?: number | undefined;
  readonly cpus?: number | undefined;
  readonly pids?: number | undefined;
}

/** A network to be made. */
export interface NetworkSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** In CIDR notation: the network is closed, so that nothing in it reaches the host, a resolver or what is beyond. */
  readonly closed?: string | undefined;
}

/** What a network is. */
export interface NetworkInfo {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As `NetworkSpec.closed` makes it. */
  readonly isClosed: boolean;
  /** In CIDR notation. */
  readonly subnets: readonly string[];
  /** The device of the kernel that joins its containers; '' when the engine does not tell. */
  readonly bridge: string;
}

/** A row of `network ls`. */
export interface NetworkRow {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An image that the engine has. */
export interface ImageInfo {
  readonly id: string;
  readonly user: string;
  /** Names with a digest, as registries know it: `host/name@sha256:…`. */
  readonly digests: readonly string[];
}

/** An engine's own answers about itself, asked once and cached. */
export interface Capabilities {
  readonly rootless: boolean;
  /** In the machine that Docker Desktop runs, which has holes of its own. */
  readonly desktop: boolean;
  /** True for userns-remap (docker) — the caller's uid is then shifted. */
  readonly usernsRemap: boolean;
  readonly remote: boolean;
  readonly cgroupVersion: 1 | 2 | undefined;
  readonly memoryLimit: boolean;
  readonly cpuLimit: boolean;
  readonly pidsLimit: boolean;
  readonly storageDriver: string;
  /** Where it keeps images and containers, as it says; empty when it does not. */
  readonly storageRoot: string;
  readonly selinux: boolean;
  readonly serverVersion: string;
  readonly runtime: string;
  /** As the engine says it, `1.1.5`; empty when it does not. */
  readonly runtimeVersion: string;
  /** Who runs health checks: the engine, or para by exec (podman without systemd). */
  readonly healthDriver: 'engine' | 'para';
}

/** An engine that was found and answered. */
export interface Engine {
  readonly driver: EngineDriver;
  /** Absolute path. */
  readonly binary: string;
  /** The client's version, `x.y.z`. */
  readonly version: string;
  /** DOCKER_HOST, context name, CONTAINER_HOST, or 'local'. */
  readonly endpoint: string;
  readonly capabilities: Capabilities;
  /** Milliseconds for each call, instead of what its driver says (PARA_ENGINE_TIMEOUT). */
  readonly callMs?: number | undefined;
}

/** What a failed call left behind, for `classify`. */
export interface EngineFailure {
  readonly args: readonly string[];
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command to run in a container. */
export interface ExecRequest {
  readonly container: string;
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly workdir?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Asking for logs. `tail` undefined = all. */
export interface LogsRequest {
  readonly container: string;
  readonly follow: boolean;
  readonly tail?: number | undefined;
  readonly since?: string | undefined;
  readonly timestamps: boolean;
}

/** The complete table of one engine. */
export interface EngineDriver {
  readonly name: EngineName;
  /** The program that watches each of its containers, where no daemon does. */
  readonly monitor: string | undefined;
  /** Oldest version the recordings cover. */
  readonly minVersion: string;
  /** Prints the client's version even when the server is away. */
  version(): EngineCommand<{ readonly engine: EngineName; readonly version: string }>;
  /** Fails when the engine is not available; the answer holds what `capabilities` are made of. */
  info(): EngineCommand<Capabilities>;
  /** The version of the desktop program around the engine, empty when it names none; undefined where there is no such. */
  desktopVersion(): EngineCommand<string> | undefined;
  create(spec: ContainerSpec): EngineCommand<string>;
  /** What of its network `create` could not say; undefined when it has said all. */
  connect(spec: ContainerSpec): EngineCommand<void> | undefined;
  start(container: string): EngineCommand<void>;
  stop(container: string, graceSeconds: number): EngineCommand<void>;
  kill(container: string, signal: string): EngineCommand<void>;
  /** Gives a container another name. */
  rename(container: string, name: string): EngineCommand<void>;
  unpause(container: string): EngineCommand<void>;
  /** Removes a container in any state at once; absent is not an error. */
  remove(container: string): EngineCommand<void>;
  /** With partial answers: `parse` takes what is there; absent names are simply missing. */
  inspect(containers: readonly string[]): EngineCommand<readonly ContainerInfo[]>;
  /** The same with sizes, which takes long. */
  sizes(containers: readonly string[]): EngineCommand<readonly ContainerSize[]>;
  /** One `ps -a` in the engine's safe dialect, filtered by labels (AND). */
  list(labels: Readonly<Record<string, string>>): EngineCommand<readonly ContainerRow[]>;
  /** Changes the limits of a container that is there. */
  update(container: string, limits: Limits): EngineCommand<void>;
  /** One look at what running containers use. */
  stats(containers: readonly string[]): EngineCommand<readonly UsageSample[]>;
  exec(request: ExecRequest): EngineCommand<string>;
  logs(request: LogsRequest): EngineCommand<string>;
  pull(image: string): EngineCommand<void>;
  /** Progress text of one line that `pull` prints, or undefined for noise. */
  pullProgress(line: string): string | undefined;
  imageInspect(image: string): EngineCommand<ImageInfo>;
  /** Makes an image of the archive on stdin. */
  imageImport(reference: string, labels?: Readonly<Record<string, string>>): EngineCommand<void>;
  /** Those that carry the labels (AND), as `repository:tag`. */
  imageList(labels: Readonly<Record<string, string>>): EngineCommand<readonly string[]>;
  imageRemove(reference: string): EngineCommand<void>;
  networkInspect(name: string): EngineCommand<NetworkInfo>;
  /** Networks filtered by labels (AND); an empty value asks for the label alone. */
  networkList(labels: Readonly<Record<string, string>>): EngineCommand<readonly NetworkRow[]>;
  networkCreate(network: NetworkSpec): EngineCommand<void>;
  networkRemove(name: string): EngineCommand<void>;
  /** Runs a program of this machine where the bridges are; undefined: they are in this machine's own namespace. */
  besideBridges(argv: readonly string[], capabilities: Capabilities): EngineCommand<string> | undefined;
  /** How the caller's uid has to be mapped on this engine. */
  userMapping(
    caller: { readonly uid: number; readonly gid: number },
    capabilities: Capabilities,
  ): UserMapping;
  /** The kind of a failure, or undefined when the text is not known: never a guess (engines.md §1). */
  classify(failure: EngineFailure): ErrorCode | undefined;
}
