/** Finds, reads, checks and merges settings: project > user > defaults. */
import { join } from 'node:path';
import { checkConfig, checkDocker, refuseUserOnly } from './check.ts';
import { DEFAULTS, type AgentSettings, type Config } from './defaults.ts';
import type { ConfigFile, DockerFile } from './generated/types.ts';
import { parseJsonc } from './jsonc.ts';
import { MAX_CONFIG_BYTES, MAX_DOCKER_BYTES, readBytes, readJsonc, requireSmall } from './read.ts';
import { sha256Of } from '../sys/sha256.ts';

export type { AgentSettings, Config, NetworkSettings } from './defaults.ts';
export type { DockerFile } from './generated/types.ts';

/** The merged settings, frozen, and the file that each came from. */
export interface LoadedConfig {
  readonly config: Config;
  readonly origin: ReadonlyMap<string, string>;
  /** The agent of the user's own file: the only one that may name a program of this machine. */
  readonly ownAgent: AgentSettings;
  /** The settings as they are without the project's file. */
  readonly own: Config;
  /** The project's file, when there is one. */
  readonly project: ProjectFile | undefined;
}

/** A project's settings as the file has them, and what its bytes are known by. */
export interface ProjectFile {
  readonly config: ConfigFile;
  readonly sha256: string;
}

/** What a file of a repository may say of the network. */
export type NetworkAsk = Readonly<NonNullable<DockerFile['network']>>;

type Tree = Record<string, unknown>;

/** @throws ParaError CONFIG_INVALID, CONFIG_UNREADABLE. A file that does not exist says nothing. */
export async function loadConfig(files: {
  userFile?: string | undefined;
  projectFile?: string | undefined;
}): Promise<LoadedConfig> {
  const merged = copy(DEFAULTS) as Tree;
  const origin = new Map<string, string>();
  mark(merged, 'default', '', origin);
  const user = await readConfig(files.userFile, { follow: true });
  if (user !== undefined) merge(merged, user.config as Tree, { file: user.file, origin, path: '' });
  const own = freeze(copy(merged)) as Config;
  // A link in a repository could lead to any file of the user's.
  const project = await readConfig(files.projectFile, { follow: false });
  if (project !== undefined) {
    refuseUserOnly(project.file, project.config);
    merge(merged, project.config as Tree, { file: project.file, origin, path: '' });
  }
  const ownAgent = freeze(copy(user?.config.agent ?? {})) as AgentSettings;
  return { config: freeze(merged) as Config, origin, ownAgent, own, project };
}

/** The session's container settings, undefined when there is no file. A symlink is refused. */
export async function loadSessionDocker(file: string): Promise<DockerFile | undefined> {
  const value = await readJsonc(file, { maxBytes: MAX_DOCKER_BYTES, follow: false });
  if (value === undefined) return undefined;
  return freeze(checkDocker(file, value)) as DockerFile;
}

/** The same of a file that is not on disk, such as one in a commit. @throws CONFIG_INVALID */
export function parseSessionDocker(file: string, bytes: Uint8Array): DockerFile {
  requireSmall(file, bytes.length, MAX_DOCKER_BYTES);
  return freeze(checkDocker(file, parseJsonc(file, bytes))) as DockerFile;
}

/** Where the user's settings are: PARA_CONFIG_PATH, else XDG_CONFIG_HOME, else ~/.config. */
export function userConfigPath(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return (
    env['PARA_CONFIG_PATH'] || join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'para', 'config.json')
  );
}

async function readConfig(
  file: string | undefined,
  { follow }: { follow: boolean },
): Promise<(ProjectFile & { readonly file: string }) | undefined> {
  if (file === undefined) return undefined;
  const bytes = await readBytes(file, { maxBytes: MAX_CONFIG_BYTES, follow });
  if (bytes === undefined) return undefined;
  return { file, config: checkConfig(file, parseJsonc(file, bytes)), sha256: sha256Of(bytes) };
}

interface Layer {
  readonly file: string;
  readonly origin: Map<string, string>;
  readonly path: string;
}

/** Half a command line of one file with half of another would be nobody's wish. */
const TAKEN_WHOLE = 'agent';

/** What a project needs comes to what its user always allows. */
const ADDED_UP = 'docker.network.allowed_domains';

function merge(into: Tree, from: Tree, layer: Layer): void {
  for (const [key, value] of Object.entries(from)) {
    if (key === '$schema') continue;
    const path = layer.path === '' ? key : `${layer.path}.${key}`;
    const old = Object.hasOwn(into, key) ? into[key] : undefined;
    if (isTree(old) && isTree(value) && path !== TAKEN_WHOLE) merge(old, value, { ...layer, path });
    else {
      into[key] = path === ADDED_UP ? [...((old ?? []) as unknown[]), ...(value as unknown[])] : value;
      for (const known of layer.origin.keys()) if (known.startsWith(`${path}.`)) layer.origin.delete(known);
      mark(value, layer.file, path, layer.origin);
    }
  }
}

function mark(value: unknown, file: string, path: string, origin: Map<string, string>): void {
  if (!isTree(value)) return void origin.set(path, file);
  for (const [key, child] of Object.entries(value))
    mark(child, file, path === '' ? key : `${path}.${key}`, origin);
}

/** Without prototypes, so that nothing but what was set is ever found in a map. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (!isTree(value)) return value;
  const tree = Object.create(null) as Tree;
  for (const [key, child] of Object.entries(value)) tree[key] = copy(child);
  return tree;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function freeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) freeze(child);
    Object.freeze(value);
  }
  return value;
}
