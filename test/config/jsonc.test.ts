import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkConfig, checkDocker } from '../../src/config/check.ts';
import { parseJsonc } from '../../src/config/jsonc.ts';
import { parseSessionDocker } from '../../src/config/load.ts';
import { checkSessionRecord } from '../../src/config/records.ts';
import { ParaError } from '../../src/errors.ts';

const parse = (text: string) => parseJsonc('F', Buffer.from(text));

/** The outcome, or the refusal; any other error is a bug. */
function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof ParaError && error.code === 'CONFIG_INVALID') return error;
    throw error;
  }
}

test('makes objects without a prototype', () => {
  const value = parse('{"a":{"b":[{}]}}') as { a: { b: object[] } };
  for (const object of [value, value.a, value.a.b[0]]) expect(Object.getPrototypeOf(object)).toBeNull();
});

test('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      const value = attempt(() => parse(text));
      if (!(value instanceof ParaError)) expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(text)));
    }),
    { numRuns: 300 },
  );
});

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const keys = (count: number) => `{${Array.from({ length: count }, (_, n) => `"k${String(n)}":1`).join()}}`;
const string = (length: number) => `"${'x'.repeat(length)}"`;

test.each([
  ['64 levels', nested(64), nested(65), 'F:1:65: more than 64 levels deep'],
  ['10 000 keys', keys(10_000), keys(10_001), /^F:1:\d+: more than 10000 keys$/],
  ['16 KiB in a string', string(16_384), string(16_385), 'F:1:1: a string longer than 16 KiB'],
  ['16 KiB in a key', `{${string(16_384)}:1}`, `{${string(16_385)}:1}`, 'F:1:2: a string longer than 16 KiB'],
  ['numbers to 1e308', '1e308', '-1e309', 'F:1:1: a number too large to hold'],
])('takes %s and no more', (_what, most, more, message) => {
  expect(() => parse(most)).not.toThrow();
  expect(() => parse(more)).toThrow(message);
});

test('refuses 30 000 levels without going down', () => {
  for (const open of ['[', '{"a":'])
    expect(() => parse(open.repeat(30_000))).toThrow('more than 64 levels deep');
});

test('finds the first byte that is not UTF-8', () => {
  const bytes = Buffer.concat([Buffer.from('{\n"é": "'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
  expect(() => parseJsonc('F', bytes)).toThrow('F:2:7: not UTF-8 text');
});

test('tells the kind of a variable only, never its value', () => {
  const secret = attempt(() => checkDocker('F', parse('{"environment":{"TOKEN":["hunter2"],"B":77712345}}')));
  expect(JSON.stringify(secret)).not.toMatch(/hunter2|77712345/);
});

test('stays quick with thousands of problems', () => {
  const error = attempt(() => checkConfig('F', parse(keys(10_000)))) as ParaError;
  expect(error.message).toMatch(/^F: unknown key "k0"; expected .* \(and 499 more\)$/);
});

test('gives a value or a refusal for any bytes', () => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .array(
        fc.constantFrom(
          ...'{ } [ ] : , " \\ / * \n 0 e - 1'.split(' '),
          '"__proto__"',
          '"docker"',
          '"image"',
          '"ports"',
          'null',
          '//',
        ),
      )
      .map((parts) => Buffer.from(parts.join(''))),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      attempt(() => checkConfig('F', parseJsonc('F', input)));
      attempt(() => parseSessionDocker('F', input));
      attempt(() => checkSessionRecord(parseJsonc('F', input)));
    }),
    { numRuns: 300 },
  );
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
  expect(({} as Record<string, unknown>)['docker']).toBeUndefined();
});

/** Values shaped like settings, wrong in places. */
const almost = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(1, -1, 1.5, '', 'a', '/', null, true),
    tie('object'),
    fc.array(tie('value'), { maxLength: 2 }),
  ),
  object: fc.dictionary(
    fc.constantFrom(
      'docker',
      'git',
      'push',
      'network',
      'mode',
      'image',
      'ports',
      'volumes',
      'default_volumes',
      'source',
      'target',
      'environment',
      'x~/y',
      '0',
    ),
    tie('value'),
    { maxKeys: 5 },
  ),
}));

test('explains any wrong value in one line without control characters', () => {
  fc.assert(
    fc.property(almost.object, (value) => {
      for (const check of [checkConfig, checkDocker]) {
        const error = attempt(() => check('F', value));
        // eslint-disable-next-line no-control-regex -- that is what is looked for
        if (error instanceof ParaError) expect(error.message).toMatch(/^F: [^\u0000-\u001f\u007f-\u009f]+$/);
      }
    }),
    { numRuns: 300 },
  );
});
