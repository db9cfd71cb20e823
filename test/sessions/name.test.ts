import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ParaError } from '../../src/errors.ts';
import { inventSessionName, parseSessionName } from '../../src/sessions/name.ts';

/** Names that para takes: 1 to 40 characters, single dashes inside. */
const valid = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,12}$/), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => parts.join('-'))
  .filter((name) => name.length <= 40 && accepts(name));

function accepts(text: string): boolean {
  try {
    return parseSessionName(text).length > 0;
  } catch {
    return false;
  }
}

function refusal(text: string): ParaError {
  try {
    parseSessionName(text);
  } catch (error) {
    if (error instanceof ParaError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(text)} was taken`);
}

describe('parseSessionName', () => {
  test('gives back what it takes', () => {
    fc.assert(
      fc.property(valid, (name) => {
        expect(parseSessionName(name)).toBe(name);
      }),
    );
  });

  test('takes nothing that is more than a DNS label, and throws nothing but NAME_INVALID', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z-]{1,45}$/)),
        (text) => {
          if (accepts(text)) expect(text).toMatch(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/);
          else expect(refusal(text)).toMatchObject({ code: 'NAME_INVALID', exit: 2 });
        },
      ),
      { numRuns: 500 },
    );
  });

  test('what it suggests, it takes', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('HEAD', 'Main', 'docker', 'a--b')),
        (text) => {
          if (accepts(text)) return;
          const suggestion = /^para start (.*)$/m.exec(refusal(text).hint ?? '')?.[1];
          if (suggestion !== undefined) expect(parseSessionName(suggestion)).toBe(suggestion);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['Fix Login', 'fix-login'],
    ['feature/x', 'feature-x'],
    ['-x-', 'x'],
    ['a--b', 'a-b'],
    ['main', 'main-1'],
    ['Ünïcode', 'u-ni-code'],
    [`${'a'.repeat(39)}-b`, 'a'.repeat(39)],
  ])('for %j it suggests %j', (text, suggestion) => {
    expect(refusal(text).hint).toContain(`\npara start ${suggestion}`);
  });

  test.each(['', '..', '../../etc', '.', '日本', '-', '\0', 'a\n'])('%j is refused', (text) => {
    expect(refusal(text).code).toBe('NAME_INVALID');
  });

  test.each(['head', 'main', 'con', 'docker', 'all'])('%s is reserved', (text) => {
    expect(refusal(text).message).toContain('(reserved)');
  });
});

describe('inventSessionName', () => {
  test('makes names that para takes, and none that is taken', () => {
    const taken = new Set<string>();
    for (let i = 0; i < 500; i += 1) {
      const name = inventSessionName((candidate) => taken.has(candidate));
      expect(parseSessionName(name)).toBe(name);
      expect(taken.has(name)).toBe(false);
      taken.add(name);
    }
  });

  test('adds a number when the plain names are used up', () => {
    expect(inventSessionName((name) => !/\d/.test(name))).toMatch(/^[a-z]+-[a-z]+-\d+$/);
  });

  test('gives up in words when every name is taken', () => {
    expect(() => inventSessionName(() => true)).toThrow('no free session name');
  });
});
