/** Reads and changes single settings by their dotted paths, as `para config get` and `set` do. */
import { lstat, mkdir, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { applyEdits, modify } from 'jsonc-parser';
import writeFileAtomic from 'write-file-atomic';
import schema from '../../schemas/config.schema.json' with { type: 'json' };
import { ParaError } from '../errors.ts';
import { checkConfig, refuseUserOnly } from './check.ts';
import type { Config } from './defaults.ts';
import { nearest } from './nearest.ts';
import { decodeUtf8, parseJsonc } from './jsonc.ts';
import { readBytes } from './read.ts';

/** What this file needs to know of a JSON Schema. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

const MAX_BYTES = 1024 * 1024;
const SCHEMA = schema as Schema;

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
  const place = schemaAt(dottedPath);
  const target = await resolveLink(file);
  const bytes = await readBytes(target, { maxBytes: MAX_BYTES, follow: false });
  if (bytes !== undefined) requireValid(file, bytes);
  const before = bytes === undefined ? '{}\n' : decodeUtf8(file, bytes);
  const path = split(dottedPath).map((key) =>
    /^\d+$/.test(key) && isArrayIndex(key, place) ? Number(key) : key,
  );
  const edits = modify(before, path, parseValue(rawText, place.schema), {
    formattingOptions: layoutOf(before),
  });
  const after = Buffer.from(applyEdits(before, edits));
  checkFile(file, after);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await writeFileAtomic(target, after, bytes === undefined ? { mode: 0o600 } : {});
}

interface SchemaPlace {
  readonly schema: Schema;
  /** The path's keys that are places in an array. */
  readonly indexes: ReadonlySet<string>;
}

function isArrayIndex(key: string, place: SchemaPlace): boolean {
  return place.indexes.has(key);
}

function schemaAt(dottedPath: string): SchemaPlace {
  let at: Schema = SCHEMA;
  const indexes = new Set<string>();
  for (const [index, key] of split(dottedPath).entries()) {
    const next = step(at, key);
    if (next === undefined) throw unknownSetting(dottedPath, index, Object.keys(at.properties ?? {}));
    if (at.items !== undefined) indexes.add(key);
    at = next;
  }
  return { schema: at, indexes };
}

function step(at: Schema, key: string): Schema | undefined {
  if (at.properties !== undefined && Object.hasOwn(at.properties, key)) return at.properties[key];
  if (at.items !== undefined) return /^\d{1,4}$/.test(key) ? at.items : undefined;
  if (at.additionalProperties === true) return {};
  return typeof at.additionalProperties === 'object' ? at.additionalProperties : undefined;
}

/** Null for a setting that exists and has no value. @throws CONFIG_INVALID for one that does not exist */
function nothingAt(dottedPath: string, index: number, keys: readonly string[]): null {
  let at: Schema | undefined = SCHEMA;
  const path = split(dottedPath);
  for (const key of path)
    at = at?.properties !== undefined && Object.hasOwn(at.properties, key) ? at.properties[key] : undefined;
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
    throw new ParaError(error.code, error.message, { hint, details: error.details, cause: error });
  }
}

function checkFile(file: string, bytes: Uint8Array): void {
  const config = checkConfig(file, parseJsonc(file, bytes));
  // Such a file would be refused at every later start in the repository.
  if (basename(dirname(file)) === '.para') refuseUserOnly(file, config);
}

/** The file that a link leads to, so that the link itself stays; the name itself when it is none. */
async function resolveLink(file: string): Promise<string> {
  const stat = await lstat(file).catch(() => undefined);
  if (stat?.isSymbolicLink() !== true) return file;
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
