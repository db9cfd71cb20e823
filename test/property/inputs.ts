/** What hostile inputs are made of. */
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CONFIGS = join(import.meta.dirname, '../../fixtures/configs');

/** Pieces that readers stumble over. */
const NASTY = [
  ...[
    '\u001b[31m',
    '\u001b]52;c;aGk=\u0007',
    '\u009b2J',
    '\r',
    '\n',
    '\0',
    '\u202e',
    '\u200b',
    '\ufeff',
    '\ud800',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', '-x', '--privileged', '--', '../..', '~', '$HOME'],
  ...[
    '${IFS}',
    ',',
    '"',
    "'",
    '\\',
    'type=bind',
    '1e999',
    '-0',
    'null',
    'NaN',
    '[',
    '{',
    '/*',
    '//',
    'é',
    'ﬃ',
    '💥',
  ],
];

/** Text of ordinary and nasty pieces. */
export const nastyText: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.constantFrom(...NASTY), fc.string(), fc.string({ unit: 'binary' })), { maxLength: 6 })
  .map((parts) => parts.join(''));

/** JSON values with such keys and texts. */
export const nastyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    nastyText,
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(nastyText, tie('value')), { maxLength: 4 }).map((entries) => fromEntries(entries)),
  ),
})).value;

/** `__proto__` as a key of its own, as JSON.parse makes it. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): unknown {
  return Object.fromEntries(entries);
}

/** Every settings file of the fixtures, good and bad. */
export const SETTINGS: readonly Buffer[] = ['valid', 'invalid'].flatMap((kind) =>
  readdirSync(join(CONFIGS, kind))
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(join(CONFIGS, kind, name))),
);

/** A file that was damaged in a place: bytes cut out, put in, doubled or turned round. */
export function damaged(files: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const what = fc.record({
    file: fc.constantFrom(...files),
    at: fc.nat(),
    length: fc.nat({ max: 64 }),
    how: fc.constantFrom('cut', 'put', 'double', 'flip', 'end'),
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
      nastyText.map((text) => Buffer.from(text)),
    ),
  });
  return what.map(({ file, at, length, how, bytes }) => {
    const from = file.length === 0 ? 0 : at % file.length;
    const [head, piece, tail] = [
      file.subarray(0, from),
      file.subarray(from, from + length),
      file.subarray(from + length),
    ];
    const ways = {
      cut: () => [head, tail],
      put: () => [head, bytes, piece, tail],
      double: () => [head, piece, piece, tail],
      flip: () => [head, Buffer.from(piece.map((byte) => byte ^ 0x55)), tail],
      end: () => [head],
    };
    return Buffer.concat(ways[how]());
  });
}
