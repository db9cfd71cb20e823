/** Reads and changes single settings by their dotted paths, as `para config get` and `set` do. */
import { chmod, lstat, mkdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { applyEdits, findNodeAtLocation, modify, parseTree } from 'jsonc-parser';
import schema from '../../schemas/config.schema.json' with { type: 'json' };
import { ParaError } from '../errors.ts';
import { replaceFile } from '../sys/files.ts';
import { checkConfig, refuseUserOnly } from './check.ts';
import type { Config } from './defaults.ts';
import { nearest } from './nearest.ts';
import { decodeUtf8, parseJsonc } from './jsonc.ts';
import { MAX_CONFIG_BYTES, readBytes } from './read.ts';

/** What this file needs to know of a JSON Schema. */
interface Schema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

const SCHEMA = schema as Schema;
const ANYTHING: Schema = { additionalProperties: true };

/** The setting at a path such as "docker.default_image"; null where nothing is set. @throws CONFIG_INVALID */
export function readValue(config: Config, dottedPath: string): unknown {
  let value: unknown = config;
  const path = split(dottedPath);
  for (const [index, key] of path.entries()) {
    const keys = isObject(value) ? Object.keys(value) : [];
    if (keys.includes(key)) value = (value as Record<string, unknown>)[key];
    else return nothingAt(dottedPath, index, keys);
  }
  return value;
}

/** Changes one setting; the file keeps its comments, layout and mode. @throws CONFIG_INVALID, CONFIG_UNREADABLE */
export async function setConfigValue(file: string, dottedPath: string, rawText: string): Promise<void> {
  const place = placeOf(dottedPath);
  const before = (await readValid(file)) ?? '{}\n';
  await replaceChecked(file, change(before, place, parseValue(rawText, place.schema)));
}

/** Takes one setting out of a file. @returns false when it was not in it. @throws as setConfigValue */
export async function unsetConfigValue(file: string, dottedPath: string): Promise<boolean> {
  const place = placeOf(dottedPath);
  const before = await readValid(file);
  const tree = before === undefined ? undefined : parseTree(before);
  if (before === undefined || tree === undefined || findNodeAtLocation(tree, place.path) === undefined)
    return false;
  await replaceChecked(file, change(before, place, undefined));
  return true;
}

/** The text of a settings file as it is, valid or not; undefined without one. @throws CONFIG_UNREADABLE */
export async function readConfigText(file: string): Promise<string | undefined> {
  const bytes = await readBytes(await resolveLink(file), { maxBytes: MAX_CONFIG_BYTES, follow: false });
  return bytes === undefined ? undefined : decodeUtf8(file, bytes);
}

/** Replaces a settings file whole, its mode kept. @throws CONFIG_INVALID before anything is changed */
export async function replaceConfig(file: string, text: string): Promise<void> {
  checkFile(file, Buffer.from(text));
  await replaceKeepingMode(await resolveLink(file), text).catch((cause: unknown) => {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new ParaError('CONFIG_UNREADABLE', `${file}: can not be written (${why})`, { cause });
  });
}

/** True for a setting that is accepted, for settings of other tools, and does nothing. @throws CONFIG_INVALID */
export function isUnused(dottedPath: string): boolean {
  const path = split(dottedPath);
  return path.some((_, i) =>
    placeOf(path.slice(0, i + 1).join('.')).schema.description?.includes('not used'),
  );
}

/** Every setting that para uses, by its dotted path, groups before what is in them. */
export function settingPaths(at: Schema = SCHEMA, above = ''): readonly string[] {
  return Object.entries(at.properties ?? {}).flatMap(([key, inner]) =>
    key === '$schema' || inner.description?.includes('not used') === true
      ? []
      : [above + key, ...settingPaths(inner, `${above}${key}.`)],
  );
}

async function readValid(file: string): Promise<string | undefined> {
  const text = await readConfigText(file);
  if (text !== undefined) requireValid(file, Buffer.from(text));
  return text;
}

/** The file was fine before, so what is wrong is the value: that is what the error speaks of. */
async function replaceChecked(file: string, text: string): Promise<void> {
  await replaceConfig(file, text).catch((error: unknown) => {
    if (!(error instanceof ParaError) || error.code !== 'CONFIG_INVALID') throw error;
    throw new ParaError('CONFIG_INVALID', error.message.replace(`${file}: `, ''), {
      hint: `Nothing was changed. ${error.hint ?? ''}`,
      details: error.details,
      cause: error,
    });
  });
}

async function replaceKeepingMode(file: string, text: string): Promise<void> {
  const before = await stat(file).catch(() => undefined);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const mode = (before?.mode ?? 0o600) & 0o777;
  await replaceFile(file, text, mode);
  // The umask may have taken bits that the old file had.
  await chmod(file, mode);
}

interface Place {
  readonly schema: Schema;
  /** The keys on the way; numbers are places in an array. */
  readonly path: (string | number)[];
}

function change(text: string, { path }: Place, value: unknown): string {
  const tree = parseTree(text);
  const isThere = tree !== undefined && findNodeAtLocation(tree, path) !== undefined;
  // Laying out touches the whole line, which one word in the place of another does not need.
  const options = isThere && !isObject(value) ? {} : { formattingOptions: layoutOf(text) };
  try {
    return applyEdits(text, modify(text, path, value, options));
  } catch (cause) {
    const above = JSON.stringify(path.slice(0, -1).join('.'));
    throw new ParaError('CONFIG_INVALID', `${above} is not an object, so nothing can be set in it`, {
      cause,
    });
  }
}

function placeOf(dottedPath: string): Place {
  let at: Schema = SCHEMA;
  const path: (string | number)[] = [];
  for (const [index, key] of split(dottedPath).entries()) {
    const next = step(at, key);
    if (next === undefined) throw unknownSetting(dottedPath, index, Object.keys(at.properties ?? {}));
    path.push(at.items === undefined ? key : Number(key));
    at = next;
  }
  return { schema: at, path };
}

function step(at: Schema, key: string): Schema | undefined {
  if (at.properties !== undefined && Object.hasOwn(at.properties, key)) return at.properties[key];
  if (at.items !== undefined) return /^\d{1,4}$/.test(key) ? at.items : undefined;
  if (at.additionalProperties === true) return ANYTHING;
  return typeof at.additionalProperties === 'object' ? at.additionalProperties : undefined;
}

/** Null for a setting that exists and has no value. @throws CONFIG_INVALID for one that does not exist */
function nothingAt(dottedPath: string, index: number, keys: readonly string[]): null {
  const at = split(dottedPath).reduce<Schema | undefined>(
    (above, key) => (above === undefined ? undefined : step(above, key)),
    SCHEMA,
  );
  if (at === undefined) throw unknownSetting(dottedPath, index, keys);
  return null;
}

function unknownSetting(dottedPath: string, index: number, keys: readonly string[]): ParaError {
  const path = split(dottedPath);
  const near = nearest(path[index] ?? '', keys);
  const meant =
    near === undefined ? undefined : [...path.slice(0, index), near, ...path.slice(index + 1)].join('.');
  const hint = meant === undefined ? 'See every key:\npara config schema' : `Did you mean ${meant}?`;
  return new ParaError('CONFIG_INVALID', `unknown setting ${JSON.stringify(dottedPath)}`, { hint });
}

/** JSON where that fits the schema, else the text itself: a string given 007 stays "007". */
function parseValue(rawText: string, at: Schema): unknown {
  let value: unknown;
  try {
    value = parseJsonc('value', Buffer.from(rawText));
  } catch {
    return rawText;
  }
  const types = typeof at.type === 'string' ? [at.type] : (at.type ?? []);
  return types.length === 0 || types.includes(typeOf(value)) || !types.includes('string') ? value : rawText;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function requireValid(file: string, bytes: Uint8Array): void {
  try {
    checkConfig(file, parseJsonc(file, bytes));
  } catch (error) {
    if (!(error instanceof ParaError)) throw error;
    const hint = 'Nothing was changed. Correct the file by hand first.';
    throw error.withHint(hint);
  }
}

function checkFile(file: string, bytes: Uint8Array): void {
  const config = checkConfig(file, parseJsonc(file, bytes));
  // Such a file would be refused at every later start in the repository.
  if (isProjectFile(file)) refuseUserOnly(file, config);
}

/** A project's settings are in `.para` of its main checkout (design.md §4). */
function isProjectFile(file: string): boolean {
  return basename(dirname(file)) === '.para';
}

/** The file that a link leads to, so that the link itself stays. A link in a repository is not followed. */
async function resolveLink(file: string): Promise<string> {
  if (isProjectFile(file)) return file;
  const found = await lstat(file).catch(() => undefined);
  if (found?.isSymbolicLink() !== true) return file;
  return realpath(file).catch(async () => resolve(dirname(file), await readlink(file)));
}

/** The file's own indentation and line ends, for what is added to it. */
function layoutOf(text: string): { insertSpaces: boolean; tabSize: number; eol: string } {
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? '  ';
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 4 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}

/** "a.b[0].c" and "a.b.0.c" are the same path. */
function split(dottedPath: string): readonly string[] {
  return dottedPath.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
