import { expect } from '@jest/globals';
import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineDriver } from '../../src/docker/driver.ts';
import { EXIT, ParaError } from '../../src/errors.ts';
import { driverFor, ENGINES, fixture } from '../docker/fixtures.ts';
import { fuzz } from './fuzz.ts';
import { nastyJson, nastyText } from './inputs.ts';

type Read = (driver: EngineDriver, text: string) => unknown;

/** Every answer that was recorded, and who reads it. */
const READERS: readonly (readonly [RegExp, Read])[] = [
  [/^inspect-/, (driver, text) => driver.inspect(['x']).parse(text)],
  [/^ps/, (driver, text) => driver.list({}).parse(text)],
  [/^info/, (driver, text) => driver.info().parse(text)],
  [/^image/, (driver, text) => driver.imageInspect('x').parse(text)],
  [/^network/, (driver, text) => driver.networkInspect('x').parse(text)],
  [/^stats/, (driver, text) => driver.stats(['x']).parse(text)],
];

interface Answer {
  readonly driver: EngineDriver;
  readonly read: Read;
  readonly text: string;
}

const FOLDERS = join(import.meta.dirname, '../../fixtures/engines');
const ANSWERS: readonly Answer[] = ENGINES.flatMap((engine) =>
  readdirSync(join(FOLDERS, engine)).flatMap((name) => {
    const [, read] = READERS.find(([pattern]) => pattern.test(name)) ?? [];
    return read === undefined ? [] : [{ driver: driverFor(engine), read, text: fixture(engine, name) }];
  }),
);

type Container = Record<string, unknown> | unknown[];

/** Every list and object of a value. */
function containers(value: unknown): readonly Container[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value as Container, ...Object.values(value).flatMap(containers)];
}

const change = fc.record({
  how: fc.constantFrom('drop', 'rename', 'retype', 'double', 'cut', 'noise', 'add'),
  where: fc.nat(),
  which: fc.nat(),
  value: nastyJson,
  word: nastyText,
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** The text after the change. @throws SyntaxError when an earlier one has left no JSON to change */
function changed(text: string, { how, where, which, value, word }: Change): string {
  const at = where % (text.length + 1);
  if (how === 'cut') return text.slice(0, at);
  if (how === 'double') return `${text}\n${text}`;
  if (how === 'noise') return text.slice(0, at) + word + text.slice(at);
  const tree = firstJson(text);
  const all = containers(tree);
  const into = all[where % Math.max(1, all.length)];
  if (into === undefined) return text;
  const keys = Object.keys(into);
  const key = keys[which % Math.max(1, keys.length)];
  const isList = Array.isArray(into);
  if (how === 'add' || key === undefined) put(into, isList ? '0' : word, value);
  else if (how === 'retype') put(into, key, value);
  else {
    if (how === 'rename' && !isList) put(into, word, into[key]);
    Reflect.deleteProperty(into, key);
  }
  return JSON.stringify(tree);
}

/** The whole, or the first line of an answer in lines. */
function firstJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.split('\n').find((line) => line.trim() !== '') ?? '{}');
  }
}

/** `__proto__` as a key like any other. */
function put(into: Container, key: string, value: unknown): void {
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
}

const inputs = fc.tuple(fc.constantFrom(...ANSWERS), fc.array(change, { minLength: 1, maxLength: 3 }));

fuzz('P5', 'damaged answers of engines are read, or refused as such', inputs, ([answer, changes]) => {
  let { text } = answer;
  for (const one of changes) {
    try {
      text = changed(text, one);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  try {
    expect(answer.read(answer.driver, text)).toBeDefined();
    return true;
  } catch (error) {
    if (!(error instanceof ParaError)) throw error;
    // docker info tells of a server that is down in what it prints.
    expect(error.exit).toBe(EXIT.engine);
    expect(error.hint).toBeDefined();
    return false;
  }
});
