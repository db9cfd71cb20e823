import { expect, test } from '@jest/globals';
import { parseImageReference } from '../../src/docker/image-ref.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;

test.each([
  'node',
  'node:22',
  'node:22-alpine3.20',
  'team/app',
  'a/b/c/d:e',
  'localhost/app',
  'localhost:5000/a/b:1',
  'registry.example.com/team/app:1.2',
  'Registry.Example.com/app',
  'host:5000/app',
  '127.0.0.1:5000/app:1',
  '[::1]:5000/app',
  `app@${DIGEST}`,
  `host:5000/app:1@${DIGEST}`,
  'a__b/c-d.e--f',
  `a:${'t'.repeat(128)}`,
  'a:_x',
])('%s', (text) => {
  expect(parseImageReference(text)).toBe(text);
});

test('blanks around it are no part of it', () => {
  expect(parseImageReference(' node:22\n')).toBe('node:22');
});

test.each([
  ['', 'it is empty'],
  ['  ', 'it is empty'],
  ['-v', 'it starts with a dash'],
  ['--privileged', 'it starts with a dash'],
  ['a b', 'it holds a space or a control character'],
  ['a\u001b[31m', 'it holds a space or a control character'],
  ['a\0b', 'it holds a space or a control character'],
  ['Node', 'the name must be lower case'],
  ['team/App', 'the name must be lower case'],
  ['a:', 'the tag is not 1 to 128 letters, digits, _ . -'],
  ['a:-x', 'the tag is not 1 to 128 letters, digits, _ . -'],
  ['a:b:c', 'the name holds characters that names may not'],
  [`a:${'t'.repeat(129)}`, 'the tag is not 1 to 128 letters, digits, _ . -'],
  ['a@sha256:1', 'the digest is not sha256: and 64 hex digits'],
  [`a@${DIGEST}x`, 'the digest is not sha256: and 64 hex digits'],
  ['a//b', 'the name holds characters that names may not'],
  ['/a', 'the name holds characters that names may not'],
  ['a/', 'the name holds characters that names may not'],
  ['../a', 'the name holds characters that names may not'],
  ['a..b', 'the name holds characters that names may not'],
  ['https://host/app', 'the name holds characters that names may not'],
  ['a;reboot', 'the name holds characters that names may not'],
  ['$(id)', 'the name holds characters that names may not'],
  ['x'.repeat(256), 'the name is longer than 255 characters'],
])('refuses %j: %s', (text, reason) => {
  expect(() => parseImageReference(text)).toThrow(`${JSON.stringify(text)} is not an image: ${reason}`);
  expect(() => parseImageReference(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
