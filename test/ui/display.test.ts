import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { display } from '../../src/ui/display.ts';

// Text as a hostile container would print it: any characters, with controls and escapes often.
const nasty = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\u001b[31m',
        '\u001b]0;title\u0007',
        '\u001b',
        '\u009b2J',
        '\r',
        '\n',
        '\u202e',
        '\u200b',
        '\0',
        ...['\u061c', '\u00ad', '\u2028', '\u3164', '\u{e0041}', '\ud83d', '\ude00', '\u{1f600}'],
      ),
      fc.string(),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

const HIDDEN =
  /[\p{Cc}\p{Cs}\p{Bidi_Control}\u00ad\u200b-\u200f\u2028\u2029\u2060-\u206f\u3164\ufeff\u{e0000}-\u{e0fff}]/u;

describe('display', () => {
  test('leaves no control, escape, bidirectional or invisible character', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(display(text)).not.toMatch(HIDDEN);
      }),
    );
  });

  test('is never longer than asked', () => {
    fc.assert(
      fc.property(nasty, fc.integer({ min: 1, max: 60 }), (text, max) => {
        expect(display(text, max).length).toBeLessThanOrEqual(max);
      }),
    );
  });

  test('changes nothing the second time', () => {
    fc.assert(
      fc.property(nasty, fc.integer({ min: 1, max: 60 }), (text, max) => {
        const once = display(text, max);
        expect(display(once, max)).toBe(once);
      }),
    );
  });

  test('leaves plain text as it is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]([ -~]{0,60}[!-~])?$/), (text) => {
        expect(display(text)).toBe(text);
      }),
    );
  });

  test.each([
    ['\u001b[1;31mred\u001b[0m', 'red'],
    ['\u001b]8;;http://x.test\u0007link\u001b]8;;\u0007', 'link'],
    ['one\ntwo', 'one two'],
    ['user\u202egnp.exe', 'usergnp.exe'],
    ['  edges\t', 'edges'],
  ])('%j is shown as %j', (text, shown) => {
    expect(display(text)).toBe(shown);
  });
});
