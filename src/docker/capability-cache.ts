/** What an engine said about itself, kept between runs. Any doubt about a file means: ask the engine again. */
import { createHash } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { makePrivate } from '../sys/private-dir.ts';
import type { Capabilities, Engine, EngineName } from './driver.ts';

/** Whose answer: a binary, as seen with this environment. */
export interface CacheKey {
  readonly cacheDir: string | undefined;
  readonly binary: string;
  readonly endpoint: string;
  /** What the running daemon is known by (endpoint.ts): one that was started anew may be of another version. */
  readonly daemon: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The part of an engine that is kept. */
export interface CachedEngine {
  readonly driver: EngineName;
  readonly version: string;
  readonly endpoint: string;
  readonly capabilities: Capabilities;
}

/** As it is in the file: one for each endpoint, whatever its daemon. */
interface Kept extends CachedEngine {
  readonly format: number;
  readonly daemon: string;
}

/** Variables beside the endpoint that lead the same binary to another engine. */
const ENDPOINT_VARIABLES = [
  'DOCKER_CONFIG',
  'CONTAINERS_CONF',
  'CONTAINERS_STORAGE_CONF',
  'CONTAINER_CONNECTION',
  'XDG_RUNTIME_DIR',
];
const FORMAT = 2;

/** The kept answer, or undefined. */
export async function readCachedEngine(key: CacheKey): Promise<CachedEngine | undefined> {
  try {
    const file = await cacheFile(key);
    if (file === undefined) return undefined;
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isCached(value) && value.daemon === key.daemon ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the answer; a cache that cannot be written is only slower. */
export async function writeCachedEngine(key: CacheKey, engine: Engine): Promise<void> {
  try {
    const file = await cacheFile(key);
    if (file === undefined || key.cacheDir === undefined) return;
    makePrivate(key.cacheDir);
    const kept: Kept = {
      format: FORMAT,
      daemon: key.daemon,
      driver: engine.driver.name,
      version: engine.version,
      endpoint: engine.endpoint,
      capabilities: engine.capabilities,
    };
    const temporary = `${file}.${String(process.pid)}.tmp`;
    await writeFile(temporary, JSON.stringify(kept), { mode: 0o600 });
    await rename(temporary, file).catch(() => rm(temporary, { force: true }));
  } catch {
    // Nothing to do: the next run asks again.
  }
}

async function cacheFile({ cacheDir, binary, endpoint, env }: CacheKey): Promise<string | undefined> {
  if (cacheDir === undefined) return undefined;
  const { mtimeMs, size } = await stat(binary);
  const parts = [
    binary,
    mtimeMs,
    size,
    endpoint,
    userInfo().uid,
    ...ENDPOINT_VARIABLES.map((name) => env[name] ?? null),
  ];
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24);
  return join(cacheDir, `engine-${hash}.json`);
}

const CAPABILITY_TYPES: Readonly<Partial<Record<keyof Capabilities, string>>> = {
  rootless: 'boolean',
  desktop: 'boolean',
  usernsRemap: 'boolean',
  remote: 'boolean',
  memoryLimit: 'boolean',
  cpuLimit: 'boolean',
  pidsLimit: 'boolean',
  storageDriver: 'string',
  storageRoot: 'string',
  selinux: 'boolean',
  serverVersion: 'string',
  runtime: 'string',
  runtimeVersion: 'string',
  healthDriver: 'string',
};

function isCached(value: unknown): value is Kept {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Readonly<Record<string, unknown>>;
  const capabilities = record['capabilities'];
  if (typeof capabilities !== 'object' || capabilities === null) return false;
  const answers = capabilities as Readonly<Record<string, unknown>>;
  return (
    record['format'] === FORMAT &&
    (record['driver'] === 'docker' || record['driver'] === 'podman') &&
    typeof record['version'] === 'string' &&
    typeof record['endpoint'] === 'string' &&
    typeof record['daemon'] === 'string' &&
    Object.entries(CAPABILITY_TYPES).every(([field, type]) => typeof answers[field] === type)
  );
}
