import { expect, test } from '@jest/globals';
import { parsePublishedText } from '../../src/docker/ps-ports.ts';

const port = (hostIp: string, hostPort: number, containerPort: number, protocol = 'tcp') => ({
  ...{ hostIp, hostPort, containerPort, protocol },
});

test.each([
  ['', []],
  ['80/tcp, 443/tcp', []],
  ['127.0.0.1:8080->80/tcp', [port('127.0.0.1', 8080, 80)]],
  ['0.0.0.0:53->53/udp', [port('0.0.0.0', 53, 53, 'udp')]],
  // docker 20 and 28 write IPv6 each in its own way.
  ['0.0.0.0:8080->80/tcp, :::8080->80/tcp', [port('0.0.0.0', 8080, 80), port('::', 8080, 80)]],
  ['[::]:8080->80/tcp, 81/udp', [port('::', 8080, 80)]],
  ['[::1]:8080->80/tcp', [port('::1', 8080, 80)]],
  ['127.0.0.1:8080-8081->80-81/tcp', [port('127.0.0.1', 8080, 80), port('127.0.0.1', 8081, 81)]],
  ['nonsense, ->, 1->2', []],
])('%j', (text, expected) => {
  expect(parsePublishedText(text)).toEqual(expected);
});

test('a range that no machine has does not fill the memory', () => {
  expect(parsePublishedText('0.0.0.0:1-999999999->1-999999999/tcp').length).toBeLessThanOrEqual(65_536);
});
