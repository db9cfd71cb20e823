import { expect, test } from '@jest/globals';
import { redact, registerSecret } from '../../src/sys/redact.ts';

test('a registered value shows nowhere, as it is and in base64', () => {
  const secret = 'hunter2-of-hearts';
  const line = `a ${secret} b ${Buffer.from(secret).toString('base64')} c ${secret}`;
  expect(redact(line)).toBe(line);
  registerSecret(secret);
  expect(redact(line)).toBe('a *** b *** c ***');
});

test('of two, the longer one first: no rest of it is left', () => {
  registerSecret('abcdefgh');
  registerSecret('abcdefgh-and-more');
  expect(redact('x abcdefgh-and-more y abcdefgh z')).toBe('x *** y *** z');
});

test('characters that mean something to a pattern are only characters', () => {
  registerSecret('a.*(b)[c]$&');
  expect(redact('a.*(b)[c]$& axxxbc')).toBe('*** axxxbc');
});

test('short values are words that stand everywhere: they stay', () => {
  registerSecret('seven77');
  registerSecret('');
  expect(redact('seven77 and more')).toBe('seven77 and more');
});

test('what has quotes in it, as shells and JSON write it, one in the other too', () => {
  const secret = `it's <a> "long" \\ one`;
  const shell = `'NAME=it'\\''s <a> "long" \\ one'`;
  const go = '{"Env":["NAME=it\'s \\u003ca\\u003e \\"long\\" \\\\ one"]}';
  const json = (value: string): string => JSON.stringify({ said: value });
  registerSecret(secret);
  const all = [secret, shell, go, json(secret), json(shell), json(go), json(json(secret))];
  for (const text of all) expect(redact(text)).not.toMatch(/long|one/);
  expect(redact(shell)).toBe("'NAME=***'");
  expect(redact(json(json(secret)))).toBe(json(json('***')));
});
