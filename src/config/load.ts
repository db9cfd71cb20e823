/** Finds, reads, checks and merges settings: project > user > defaults. */
import { join } from 'node:path';
import { ParaError } from '../errors.ts';
import { DEFAULTS, type Config } from './defaults.ts';
import type { ConfigFile, DockerFile } from './generated/types.ts';
import * as validators from './generated/validators.cjs';
import { parseJsonc, readJsonc } from './read.ts';

export type { Config } from './defaults.ts';
export type { DockerFile } from './generated/types.ts';

/** The merged settings, frozen, and the file that each came from. */
export interface LoadedConfig {
  readonly config: Config;
  readonly origin: ReadonlyMap<string, string>;
}

type Tree = Record<string, unknown>;

/** @throws ParaError CONFIG_INVALID, CONFIG_UNREADABLE. A file that does not exist says nothing. */
export async function loadConfig(files: { userFile?: string | undefined; projectFile?: string | undefined }): Promise<LoadedConfig> {
  const merged = structuredClone(DEFAULTS) as unknown as Tree;
  const origin = new Map<string, string>();
  mark(merged, 'default', '', origin);
  const user = files.userFile === undefined ? undefined : await readConfig(files.userFile);
  if (user !== undefined && files.userFile !== undefined) merge(merged, user as Tree, { file: files.userFile, origin, path: '' });
  const project = files.projectFile === undefined ? undefined : await readConfig(files.projectFile);
  if (project !== undefined && files.projectFile !== undefined) {
    refuseUserOnly(files.projectFile, project);
    merge(merged, project as Tree, { file: files.projectFile, origin, path: '' });
  }
  return { config: freeze(merged) as Config, origin };
}

/** The session's container settings, undefined when there is no file. A symlink is refused. */
export async function loadSessionDocker(file: string): Promise<DockerFile | undefined> {
  const value = await readJsonc(file, { maxBytes: 256 * 1024, follow: false });
  if (value === undefined) return undefined;
  check(file, value, validators.validateDockerFile);
  return freeze(value) as DockerFile;
}

/** The same of a file that is not on disk, such as one in a commit. @throws CONFIG_INVALID */
export function parseSessionDocker(file: string, bytes: Uint8Array): DockerFile {
  const value = parseJsonc(file, bytes);
  check(file, value, validators.validateDockerFile);
  return freeze(value) as DockerFile;
}

/** Where the user's settings are: PARA_CONFIG_PATH, else XDG_CONFIG_HOME, else ~/.config. */
export function userConfigPath(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return env['PARA_CONFIG_PATH'] || join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'para', 'config.json');
}

async function readConfig(file: string): Promise<ConfigFile | undefined> {
  const value = await readJsonc(file, { maxBytes: 1024 * 1024, follow: true });
  if (value !== undefined) check(file, value, validators.validateConfigFile);
  return value as ConfigFile | undefined;
}

function check(file: string, value: unknown, validate: typeof validators.validateConfigFile): void {
  if (validate(value)) return;
  const problems = (validate.errors ?? []).map((e) => `${e.instancePath.slice(1).replaceAll('/', '.') || 'file'}: ${e.message ?? e.keyword}`);
  const more = problems.length > 1 ? ` (and ${String(problems.length - 1)} more)` : '';
  throw new ParaError('CONFIG_INVALID', `${file}: ${problems[0] ?? 'invalid'}${more}`, { details: { problems } });
}

function refuseUserOnly(file: string, config: ConfigFile): void {
  const key = config.docker?.allowed_mounts !== undefined ? 'docker.allowed_mounts' : config.docker?.hardening === 'off' ? 'docker.hardening "off"' : undefined;
  if (key !== undefined) throw new ParaError('CONFIG_INVALID', `${file}: ${key} may not be set by a project; put it in the user config`);
}

interface Layer { readonly file: string; readonly origin: Map<string, string>; readonly path: string }

function merge(into: Tree, from: Tree, layer: Layer): void {
  for (const [key, value] of Object.entries(from)) {
    if (key === '__proto__' || key === '$schema') continue;
    const path = layer.path === '' ? key : `${layer.path}.${key}`;
    const old = Object.hasOwn(into, key) ? into[key] : undefined;
    if (isTree(old) && isTree(value)) merge(old, value, { ...layer, path });
    else {
      into[key] = value;
      mark(value, layer.file, path, layer.origin);
    }
  }
}

function mark(value: unknown, file: string, path: string, origin: Map<string, string>): void {
  if (!isTree(value)) return void origin.set(path, file);
  for (const [key, child] of Object.entries(value)) mark(child, file, path === '' ? key : `${path}.${key}`, origin);
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
