import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { portArgs } from '../../src/docker/argv.ts';
import { parseEnv, parsePort } from '../../src/docker/publish.ts';

const port = (hostIp: string, hostPort: number, containerPort: number, protocol = 'tcp') => ({
  ...{ hostIp, hostPort, containerPort, protocol },
});

describe('parsePort', () => {
  test.each([
    ['80', port('127.0.0.1', 0, 80)],
    ['0:80', port('127.0.0.1', 0, 80)],
    [':80', port('127.0.0.1', 0, 80)],
    ['8080:80', port('127.0.0.1', 8080, 80)],
    ['65535:65535/tcp', port('127.0.0.1', 65_535, 65_535)],
    ['53/udp', port('127.0.0.1', 0, 53, 'udp')],
    ['127.0.0.1:8080:80', port('127.0.0.1', 8080, 80)],
    ['0.0.0.0::80/udp', port('0.0.0.0', 0, 80, 'udp')],
    ['[::1]:8080:80', port('::1', 8080, 80)],
    ['[::]::80', port('::', 0, 80)],
    [' 80 ', port('127.0.0.1', 0, 80)],
  ])('%j', (text, expected) => {
    expect(parsePort(text)).toEqual(expected);
  });

  test.each([
    ['', /it is not \[\[ADDRESS/],
    ['a', /it is not \[\[ADDRESS/],
    ['80:', /it is not \[\[ADDRESS/],
    ['80-90:80-90', /it is not \[\[ADDRESS/],
    ['::1:8080:80', /it is not \[\[ADDRESS/],
    ['80/sctp', /it is not \[\[ADDRESS/],
    ['-1:80', /it is not \[\[ADDRESS/],
    ['80 --privileged', /it is not \[\[ADDRESS/],
    ['0', /0 is not a port from 1 to 65535/],
    ['8080:0', /0 is not a port from 1 to 65535/],
    ['65536', /65536 is not a port/],
    ['65536:80', /65536 is not a port from 0 to 65535/],
    ['99999999999999999999:80', /is not a port/],
    ['300.0.0.1:1:2', /300\.0\.0\.1 is not an IP address/],
    ['1.2.3:1:2', /1\.2\.3 is not an IP address/],
    ['[1.2.3.4.5]:1:2', /is not an IP address/],
  ])('refuses %j', (text, message) => {
    expect(() => parsePort(text)).toThrow(message);
    expect(() => parsePort(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test('what is read is what is published, whatever the ports', () => {
    const number = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(number, number, fc.constantFrom('tcp', 'udp'), (host, inside, protocol) => {
        const [, words = ''] = portArgs([parsePort(`${String(host)}:${String(inside)}/${protocol}`)]);
        expect(parsePort(words)).toEqual(port('127.0.0.1', host, inside, protocol));
      }),
    );
  });
});

describe('parseEnv', () => {
  test.each([
    ['A=b=c', 'A', 'b=c'],
    ['A=', 'A', ''],
    ['_a1', '_a1', undefined],
    ['A=\n"x" $y', 'A', '\n"x" $y'],
    ['A= b ', 'A', ' b '],
  ])('%j', (text, name, value) => {
    expect(parseEnv(text)).toEqual({ name, value });
  });

  test.each(['', '=x', '1A=x', 'A B=x', 'A-B', '--x=1', 'Ä=1', 'A\n=x'])('refuses %j', (text) => {
    expect(() => parseEnv(text)).toThrow(/is not a variable name/);
  });

  test('no value holds a NUL', () => {
    expect(() => parseEnv('A=x\0y')).toThrow('the value of --env A holds a NUL byte');
  });
});
