/** Reads what engines print. A broken answer is an error that names engine, command and field; never an empty value. */
import { ParaError } from '../errors.ts';
import { isTooDeep } from '../sys/json-depth.ts';
import type { EngineName } from './driver.ts';

/** Most characters of one row of an answer in rows; the whole of an answer is capped by sys/run. */
const MAX_ROW = 1024 * 1024;

/** Whose answer is being read, for the error text. */
export interface Source {
  readonly engine: EngineName;
  readonly command: string;
}

/** A JSON object of unknown content. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** The error for an answer that para cannot read. */
export function unreadable(source: Source, what: string): ParaError {
  return new ParaError('ENGINE_OUTPUT_UNREADABLE', `${source.engine} ${source.command}: ${what}`, {
    hint: `Run ${source.engine} ${source.command} yourself, and check the version with para doctor.`,
    details: { engine: source.engine, command: source.command },
  });
}

/** JSON array, one JSON value, or JSON lines (engines.md §3); an empty answer is an empty list. */
export function readRecords(stdout: string, source: Source): readonly JsonRecord[] {
  const text = stdout.trim();
  if (text === '') return [];
  if (isTooDeep(text)) throw unreadable(source, 'the answer is too deep');
  const whole = tryJson(text);
  const values = whole.ok
    ? Array.isArray(whole.value)
      ? whole.value
      : [whole.value]
    : readLines(text, source);
  return values.map((value: unknown, index) => asRecord(value, source, `record ${String(index)}`));
}

function readLines(text: string, source: Source): unknown[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    if (line.length > MAX_ROW) throw unreadable(source, 'a row of the answer is larger than 1 MiB');
    const parsed = tryJson(line);
    if (!parsed.ok) throw unreadable(source, 'the answer is not JSON');
    return [parsed.value];
  });
}

function tryJson(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

/** The first record of an answer that must have one. */
export function readOne(stdout: string, source: Source): JsonRecord {
  const first = readRecords(stdout, source)[0];
  if (first === undefined) throw unreadable(source, 'the answer is empty');
  return first;
}

function asRecord(value: unknown, source: Source, field: string): JsonRecord {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonRecord;
  throw unreadable(source, `${field} is not an object`);
}

/** Field readers bound to one answer. A name is one key; `null` counts as absent. */
export interface Reader {
  readonly has: (key: string) => boolean;
  readonly text: (key: string, fallback?: string) => string;
  readonly number: (key: string, fallback?: number) => number;
  readonly flag: (key: string, fallback?: boolean) => boolean;
  readonly record: (key: string, optional?: 'optional') => Reader;
  readonly records: (key: string) => readonly Reader[];
  readonly texts: (key: string) => readonly string[];
  readonly strings: (key: string) => Readonly<Record<string, string>>;
  readonly raw: JsonRecord;
  readonly fail: (what: string) => ParaError;
}

/** Wraps a record; `path` is what errors call it. */
export function reader(raw: JsonRecord, source: Source, path = ''): Reader {
  const fail = (what: string): ParaError => unreadable(source, what);
  const name = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const get = (key: string): unknown => (Object.hasOwn(raw, key) ? (raw[key] ?? undefined) : undefined);
  const need = <T>(key: string, value: T | undefined, kind: string): T => {
    if (value === undefined) throw fail(`field ${name(key)} is not ${kind}`);
    return value;
  };
  return {
    raw,
    fail,
    has: (key) => get(key) !== undefined,
    text: (key, fallback) => need(key, scalar(get(key) ?? fallback, 'string'), 'a text'),
    number: (key, fallback) => need(key, scalar(get(key) ?? fallback, 'number'), 'a number'),
    flag: (key, fallback) => need(key, scalar(get(key) ?? fallback, 'boolean'), 'true or false'),
    record: (key, optional) =>
      reader(asRecord(get(key) ?? (optional && {}), source, `field ${name(key)}`), source, name(key)),
    records: (key) =>
      list(get(key), fail, name(key)).map((value, index) => {
        const label = `${name(key)}[${String(index)}]`;
        return reader(asRecord(value, source, `field ${label}`), source, label);
      }),
    texts: (key) =>
      list(get(key), fail, name(key)).map((value) => need(key, scalar(value, 'string'), 'a list of texts')),
    strings: (key) =>
      texts(asRecord(get(key) ?? {}, source, `field ${name(key)}`), (inner) =>
        fail(`field ${name(key)}.${inner} is not a text`),
      ),
  };
}

interface Scalars {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
}

function scalar<K extends keyof Scalars>(value: unknown, kind: K): Scalars[K] | undefined {
  return typeof value === kind ? (value as Scalars[K]) : undefined;
}

function list(value: unknown, fail: (what: string) => ParaError, name: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw fail(`field ${name} is not a list`);
  return value;
}

function texts(record: JsonRecord, fail: (key: string) => ParaError): Readonly<Record<string, string>> {
  const entries = Object.entries(record).map(([key, value]): readonly [string, string] => {
    if (typeof value !== 'string') throw fail(key);
    return [key, value];
  });
  return Object.fromEntries(entries);
}
