/** Turns the validators' errors into one sentence each: place, what was expected, what was found, what was meant. */
import type { ErrorObject } from 'ajv';
import { nearest } from './nearest.ts';
import { describe, describeKind, oneOf, quote } from './words.ts';

/** One problem of a file. `place` is a path in it such as `docker.default_volumes[0].source`; '' is the whole. */
export interface Problem {
  readonly place: string;
  readonly message: string;
}

/** More problems than these nobody reads, and comparing them takes time. */
const MOST_ERRORS = 500;

/** A validator made from a schema. */
interface Validate {
  (value: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/** Every problem of the value, in the order of the file; none when it is valid. */
export function problemsOf(value: unknown, validate: Validate): readonly Problem[] {
  if (validate(value)) return [];
  const errors = (validate.errors ?? []).slice(0, MOST_ERRORS);
  return inFileOrder(withoutEchoes(errors), value).map((error) => ({
    place: placeOf(error.instancePath),
    message: messageOf(error),
  }));
}

/** The first problem, and how many more there are. */
export function summaryOf(problems: readonly Problem[]): string {
  const more = problems.length > 1 ? ` (and ${String(problems.length - 1)} more)` : '';
  return problems.slice(0, 1).map(problemText).join('') + more;
}

/** `place: message`, or the message alone where the place is the whole. */
export function problemText({ place, message }: Problem): string {
  return place === '' ? message : `${place}: ${message}`;
}

type Explain = (error: ErrorObject) => string;

const MESSAGES: Readonly<Partial<Record<string, Explain>>> = {
  type: (error) => `expected ${oneOf(typeWords(error.schema))}${withKeys(error)}, found ${found(error)}`,
  oneOf: (error) => `expected null or an object, found ${found(error)}`,
  additionalProperties: unknownKey,
  required: (error) => `the key ${quote(String(error.params['missingProperty']))} is missing`,
  propertyNames: (error) =>
    error.instancePath === '/secrets'
      ? `${quote(String(error.params['propertyName']))} is no name of a secret; expected letters, digits, _ and -`
      : `${quote(String(error.params['propertyName']))} is not a variable name; expected letters, digits and _`,
  enum: wrongWord,
  const: (error) => `expected ${describe(error.schema)}, found ${found(error)}`,
  minimum: outOfRange,
  maximum: outOfRange,
  exclusiveMinimum: outOfRange,
  minItems: () => 'expected at least one word, found an empty array',
  maxItems: (error) =>
    `expected at most ${String(error.params['limit'])}, found ${String((error.data as readonly unknown[]).length)}`,
  minLength: (error) => `expected some text, found ${found(error)}`,
  maxLength: (error) =>
    `expected at most ${String(error.params['limit'])} characters, found ${String(String(error.data).length)}`,
  pattern: (error) =>
    `expected ${PATTERNS[String(error.schema)] ?? `text like ${String(error.schema)}`}, found ${found(error)}`,
};

/** What the schemas' patterns mean. */
const PATTERNS: Readonly<Partial<Record<string, string>>> = {
  '^/': 'an absolute path such as "/workspace"',
  '^[0-9]+(\\.[0-9]+)?([bkmgtBKMGT]([iI]?[bB])?)?$': 'a size such as "512m" or "4g"',
  '^(10|172|192)\\.[0-9]{1,3}\\.0\\.0/16$': 'private addresses such as "10.213.0.0/16"',
  '^[a-z0-9](-?[a-z0-9]){0,39}$': 'a session name',
  '^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$': 'a name of letters, digits, _ . and -',
  '^[0-9a-f]{40,64}$': 'a commit id',
  '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$': 'a name of letters, digits, _ and -',
  '^[A-Za-z_][A-Za-z0-9_]*$': 'the name of a variable',
  '^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\\u0000]+|cmd:\\[.*\\]|op://[^\\s\\u0000]+)$':
    'where it is: env:NAME, file:PATH, cmd:["program", "word"] or op://VAULT/ITEM/FIELD',
};

const TYPES: Readonly<Partial<Record<string, string>>> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'an array',
};

function messageOf(error: ErrorObject): string {
  return MESSAGES[error.keyword]?.(error) ?? error.message ?? error.keyword;
}

/** Values of variables may be secrets, somebody may have put one in the place of its source, and what para does not use is nobody's business: only their kind is told. */
function found(error: ErrorObject): string {
  return /^\/((docker\/default_)?environment|secrets|ide|sandbox)\//.test(error.instancePath)
    ? describeKind(error.data)
    : describe(error.data);
}

function withKeys(error: ErrorObject): string {
  const required = (error.parentSchema?.['required'] ?? []) as readonly string[];
  return required.length === 0 || error.instancePath === ''
    ? ''
    : ` with ${required.map(quote).join(' and ')}`;
}

function unknownKey(error: ErrorObject): string {
  const known = knownKeys(error);
  const near = meantKey(error);
  const other = near === undefined ? `expected ${oneOf(known)}` : `did you mean ${quote(near)}?`;
  return `unknown key ${quote(String(error.params['additionalProperty']))}; ${other}`;
}

function meantKey(error: ErrorObject): string | undefined {
  return nearest(String(error.params['additionalProperty']), knownKeys(error));
}

function knownKeys(error: ErrorObject): readonly string[] {
  const properties = (error.parentSchema?.['properties'] ?? {}) as object;
  return Object.keys(properties).filter((name) => name !== '$schema');
}

function wrongWord(error: ErrorObject): string {
  const words = (error.schema as readonly unknown[]).map(String);
  const near = typeof error.data === 'string' ? nearest(error.data, words) : undefined;
  const meant = near === undefined ? '' : `; did you mean ${quote(near)}?`;
  return `expected ${oneOf(words.map(quote))}, found ${found(error)}${meant}`;
}

function outOfRange(error: ErrorObject): string {
  const { minimum, maximum, exclusiveMinimum } = (error.parentSchema ?? {}) as Partial<
    Record<string, number>
  >;
  const number = typeWords(error.parentSchema?.['type'])[0] ?? 'a number';
  const range =
    exclusiveMinimum !== undefined
      ? `above ${String(exclusiveMinimum)}`
      : maximum === undefined
        ? `of at least ${String(minimum)}`
        : `from ${String(minimum)} to ${String(maximum)}`;
  return `expected ${number} ${range}, found ${found(error)}`;
}

function typeWords(types: unknown): readonly string[] {
  return [types].flat().map((type) => TYPES[String(type)] ?? String(type));
}

/**
 * Leaves out what only repeats another error: the wrong type where the words are told anyway, the branch of `null or
 * an object` that was not meant, the missing key that is there but misspelt.
 */
function withoutEchoes(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  return errors.filter((error) => {
    const beside = errors.filter((other) => other !== error && other.instancePath === error.instancePath);
    if (error.propertyName !== undefined) return false;
    if (error.keyword === 'oneOf') return typeof error.data !== 'object';
    if (error.keyword === 'type')
      return !beside.some((other) => other.keyword === 'enum' || other.keyword === 'oneOf');
    if (error.keyword !== 'required') return true;
    const missing: unknown = error.params['missingProperty'];
    return !beside.some((other) => other.keyword === 'additionalProperties' && meantKey(other) === missing);
  });
}

/** First things first, as a reader of the file meets them. */
function inFileOrder(errors: readonly ErrorObject[], value: unknown): readonly ErrorObject[] {
  const ranked = errors.map((error) => ({ error, rank: rankOf(error, value) }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  return ranked.map(({ error }) => error);
}

/** The places among its siblings of each key on the way, as text that sorts. */
function rankOf(error: ErrorObject, value: unknown): string {
  const extra: unknown = error.params['additionalProperty'];
  const keys = [...keysOf(error.instancePath), ...(typeof extra === 'string' ? [extra] : [])];
  let at = value;
  return keys
    .map((key) => {
      const siblings = typeof at === 'object' && at !== null ? at : {};
      at = (siblings as Record<string, unknown>)[key];
      return String(Object.keys(siblings).indexOf(key)).padStart(6, '0');
    })
    .join('.');
}

/** `/docker/default_volumes/0/source` → `docker.default_volumes[0].source`. */
function placeOf(pointer: string): string {
  return keysOf(pointer).reduce((place, key) => {
    if (/^\d+$/.test(key)) return `${place}[${key}]`;
    if (!/^[\w$-]{1,64}$/.test(key)) return `${place}[${quote(key)}]`;
    return place === '' ? key : `${place}.${key}`;
  }, '');
}

function keysOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}
