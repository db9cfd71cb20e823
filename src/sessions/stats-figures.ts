/** What one container uses, in one shape for every engine: numbers, and a word where there is none. */
import { totalmem } from 'node:os';
import type { Capabilities, ContainerInfo, EngineName, Limits, UsageSample } from '../docker/driver.ts';

/** Why there is no number. */
export type Unknown =
  /** The engine can not tell here: without root on cgroup v1 a container has no cgroup of its own. */
  | 'not available'
  /** It was asked for, and the engine does not hold the container to it. */
  | 'not enforced'
  | 'no limit'
  | 'not running';

type Told = number | Unknown;

/** Everything that is told of a container; null where `unknown` has a word. */
export interface Figures {
  /** Of one CPU: two busy ones are 200. */
  readonly cpu_percent: number | null;
  readonly cpus_limit: number | null;
  readonly memory_bytes: number | null;
  readonly memory_limit_bytes: number | null;
  readonly pids: number | null;
  readonly pids_limit: number | null;
  readonly net_rx_bytes: number | null;
  readonly net_tx_bytes: number | null;
  readonly block_read_bytes: number | null;
  readonly block_write_bytes: number | null;
}

/** A row of `para docker stats`. */
export interface ContainerStats extends Figures {
  /** null: no session of this repository owns it. */
  readonly session: string | null;
  readonly container: string;
  readonly engine: EngineName;
  /** The container's state; `missing` when the engine has none. */
  readonly state: string;
  readonly unknown: Readonly<Partial<Record<keyof Figures, Unknown>>>;
}

/** What was learned of one container. */
export interface Looked {
  readonly can: Capabilities;
  readonly info: ContainerInfo | undefined;
  readonly sample: UsageSample | undefined;
  readonly cpuPercent: number | undefined;
  /** What the kernel holds it to, where it can be read. */
  readonly held?: Limits;
  /** Instead of what this machine has. */
  readonly machineBytes?: number;
}

/** The figures, and why some are missing. */
export function toFigures(looked: Looked): Figures & Pick<ContainerStats, 'unknown'> {
  const { can, info, sample, held = {} } = looked;
  const why: Unknown = info?.state === 'running' ? 'not available' : 'not running';
  const used = (key: Exclude<keyof UsageSample, 'id'>): Told => sample?.[key] ?? why;
  return apart({
    cpu_percent: looked.cpuPercent ?? why,
    cpus_limit: limit(can.cpuLimit, held.cpus ?? info?.cpus),
    memory_bytes: used('memoryBytes'),
    memory_limit_bytes: memoryLimit(looked),
    pids: used('pids'),
    pids_limit: limit(can.pidsLimit, held.pids ?? info?.pids),
    net_rx_bytes: used('netRxBytes'),
    net_tx_bytes: used('netTxBytes'),
    block_read_bytes: used('blockReadBytes'),
    block_write_bytes: used('blockWriteBytes'),
  });
}

function apart(told: Readonly<Record<keyof Figures, Told>>): Figures & Pick<ContainerStats, 'unknown'> {
  const entries = Object.entries(told) as readonly (readonly [keyof Figures, Told])[];
  const numbers = entries.map(([key, value]) => [key, typeof value === 'number' ? value : null]);
  const words = entries.filter(([, value]) => typeof value !== 'number');
  return {
    ...(Object.fromEntries(numbers) as unknown as Figures),
    unknown: Object.fromEntries(words),
  };
}

function limit(isEnforced: boolean, asked: number | undefined): Told {
  if (asked === undefined) return 'not available';
  if (!isEnforced) return 'not enforced';
  return asked > 0 ? asked : 'no limit';
}

/** Most that rounding for people changes a figure by. */
const ROUNDING = 0.01;

/**
 * podman with its own cgroup manager can show a limit in `inspect` and not set it; podman before 5 changes one and does
 * not show it. What the kernel has decides: all of the machine's memory is no limit.
 */
function memoryLimit({ can, info, sample, held, machineBytes = totalmem() }: Looked): Told {
  const asked = limit(can.memoryLimit, info?.memoryBytes);
  const real = held?.memoryBytes ?? sample?.memoryLimitBytes;
  if (typeof asked !== 'number' || real === undefined || isNear(real, asked)) return asked;
  return real < machineBytes && !isNear(real, machineBytes) ? real : 'not enforced';
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= b * ROUNDING;
}
