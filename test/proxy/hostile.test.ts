import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Rig } from './rig.ts';

let rig: Rig;
let port: number;
let reached = 0;

beforeAll(async () => {
  rig = new Rig();
  const target = await rig.server((socket) => {
    reached += 1;
    socket.end('reached');
  });
  const names = ['allowed.test', 'a.wild.test', 'wild.test', 'evil.test', 'localhost', 'metadata.internal'];
  for (const name of names) rig.names.set(name, ['127.0.0.1']);
  const at = [443, 80, target].map((number) => `127.0.0.1:${String(number)}`);
  port = (await rig.proxy({ allow: ['allowed.test', '*.wild.test'], allow_private: at })).port;
});
afterAll(() => {
  rig.close();
});

const HOST = 'Host: allowed.test';
const connect = (target: string, ...lines: string[]) =>
  `${[`CONNECT ${target} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`;
const get = (url: string, ...lines: string[]) => `${[`GET ${url} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`;
const post = (...lines: string[]) => get('http://allowed.test/', HOST, ...lines).replace('GET', 'POST');

/** Each a request by which a box could get to where it may not; the bytes are sent as they stand. */
const HOSTILE: Readonly<Record<string, string>> = {
  'another host': connect('evil.test:443'),
  'another host, plain': get('http://evil.test/', 'Host: evil.test'),
  'an address': connect('127.0.0.1:443'),
  'an address of IPv6': connect('[::1]:443'),
  'IPv4 in IPv6': connect('[::ffff:127.0.0.1]:443'),
  'an address with a zone': connect('[fe80::1%25eth0]:443'),
  'an address as one number': connect('2130706433:443'),
  'an address in octal': connect('0177.0.0.1:443'),
  'an address in hex': connect('0x7f.1:443'),
  'the metadata address': get('http://169.254.169.254/latest/', 'Host: 169.254.169.254'),
  'this machine by name': connect('localhost:443'),
  'another port': connect('allowed.test:22'),
  'another port, plain': get('http://allowed.test:8080/', 'Host: allowed.test:8080'),
  'port 0': connect('allowed.test:0'),
  'a port past the last': connect('allowed.test:65979'),
  'a port with a sign': connect('allowed.test:+443'),
  'a port with a nought before it': connect('allowed.test:0443'),
  'no port': connect('allowed.test'),
  'two ports': connect('allowed.test:443:22'),
  'a host before the list': connect('allowed.test.evil.test:443'),
  'a host that ends alike': connect('evilallowed.test:443'),
  'the wild card itself': connect('*.wild.test:443'),
  'a star': connect('*:443'),
  'what the wild card is below': connect('wild.test:443'),
  'an empty label': connect('.wild.test:443'),
  'two dots at the end': connect('allowed.test..:443'),
  'a NUL in the host': connect('evil.test\0.wild.test:443'),
  'a percent NUL in the host': connect('evil.test%00.wild.test:443'),
  'a percent dot': connect('evil%2etest:443'),
  'a user before the host': connect('allowed.test:443@evil.test:443'),
  'a user in the URL': get('http://allowed.test@evil.test/', HOST),
  'an empty user': get('http://@allowed.test/', HOST),
  'a backslash': get('http://evil.test\\@allowed.test/', HOST),
  'a fragment': get('http://evil.test#@allowed.test/', HOST),
  'a path to CONNECT': connect('allowed.test:443/evil.test'),
  'a URL to CONNECT': connect('http://allowed.test:443/'),
  'a wide dot': connect('a.wild\xe3\x80\x82test:443'),
  'letters past ASCII': connect('\xe0llowed.test:443'),
  'a semicolon': connect('allowed.test;id:443'),
  'an option': connect('-e:443'),
  'a space in the target': connect('allowed.test :443'),
  'a tab in the target': connect('allowed.test\t:443'),
  'a host of another': get('http://allowed.test/', 'Host: evil.test'),
  'a host of another, to CONNECT': connect('allowed.test:443', 'Host: evil.test:443'),
  'two hosts': get('http://allowed.test/', HOST, 'Host: evil.test'),
  'the same host twice': get('http://allowed.test/', HOST, HOST),
  'no host': get('http://allowed.test/'),
  'a host and a space before the colon': get('http://allowed.test/', HOST, 'Host : evil.test'),
  'a header on two lines': get('http://allowed.test/', HOST, 'X: a', ' b'),
  'a header without a colon': get('http://allowed.test/', HOST, 'nothing'),
  'a bare carriage return': get('http://allowed.test/', HOST, 'X: a\rHost: evil.test'),
  'a bare line feed': get('http://allowed.test/', HOST, 'X: a\nHost: evil.test'),
  'bare line feeds alone': 'GET http://allowed.test/ HTTP/1.1\nHost: allowed.test\n\n',
  'an empty line before': `\r\n${connect('allowed.test:443')}`,
  'a NUL in a header': get('http://allowed.test/', HOST, 'X: a\0b'),
  'its own form of a target': get('/', HOST),
  'a star for a target': get('*', HOST).replace('GET', 'OPTIONS'),
  'https in the clear': get('https://allowed.test/', HOST),
  'another scheme': get('ftp://allowed.test/', HOST),
  'a file': get('file:///etc/passwd', HOST),
  'a URL without a scheme': get('//allowed.test/', HOST),
  'HTTP/0.9': 'GET http://allowed.test/\r\n\r\n',
  'HTTP/1.2': 'GET http://allowed.test/ HTTP/1.2\r\nHost: allowed.test\r\n\r\n',
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'TLS at once': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'SOCKS 5': '\x05\x01\x00',
  'SOCKS 4': '\x04\x01\x01\xbb\x7f\x00\x00\x01\x00',
  'a small method': connect('allowed.test:443').replace('CONNECT', 'connect'),
  TRACE: get('http://allowed.test/', HOST).replace('GET', 'TRACE'),
  'two spaces': 'CONNECT  allowed.test:443 HTTP/1.1\r\n\r\n',
  'a word more': 'CONNECT allowed.test:443 evil.test:443 HTTP/1.1\r\n\r\n',
  'two lengths': post('Content-Length: 4', 'Content-Length: 40'),
  'a length and chunks': post('Content-Length: 4', 'Transfer-Encoding: chunked'),
  'chunks and something': post('Transfer-Encoding: chunked, identity'),
  'something like chunks': post('Transfer-Encoding: xchunked'),
  'chunks in capitals': post('Transfer-Encoding: Chunked'),
  'a length with a sign': post('Content-Length: +4'),
  'a length in hex': post('Content-Length: 0x4'),
  'a list of lengths': post('Content-Length: 4, 4'),
  'a length that is to be taken away': post('Connection: content-length', 'Content-Length: 4'),
  'a host that is to be taken away': post('Connection: close, Host'),
  'CONNECT with a body': connect('allowed.test:443', 'Content-Length: 4'),
  'CONNECT with chunks': connect('allowed.test:443', 'Transfer-Encoding: chunked'),
  'a line without end': `GET http://allowed.test/${'a'.repeat(20_000)}`,
  'a long target': get(`http://allowed.test/${'a'.repeat(9000)}`, HOST),
  'many headers': get('http://allowed.test/', HOST, ...Array.from({ length: 101 }, () => 'X: a')),
  'a long head': get(
    'http://allowed.test/',
    HOST,
    ...Array.from({ length: 30 }, () => `X: ${'a'.repeat(999)}`),
  ),
  'a long name': connect(`${'a.'.repeat(130)}wild.test:443`),
};

describe('hostile requests over a socket', () => {
  test.each(Object.entries(HOSTILE))('%s', async (_, bytes) => {
    const before = rig.asked.length;
    expect(await rig.say(port, bytes)).toMatch(/^HTTP\/1\.1 (400|403|405|505) [\w ]+\r\n/);
    // Not even a name server hears of it.
    expect(rig.asked.slice(before)).toEqual([]);
    expect(reached).toBe(0);
  });

  test('are many', () => {
    expect(Object.keys(HOSTILE).length).toBeGreaterThanOrEqual(80);
  });

  test('the refusal says what to type, and the log has words of ours alone', async () => {
    rig.log.length = 0;
    const answer = await rig.say(port, connect('Evil.Test:8443', 'X: \x1b[31m'.replace('\x1b', ' ')));
    expect(answer).toContain('para docker update --allow-domain evil.test:8443');
    await rig.say(port, connect('\x1b]52;c;aGk=\x07:443'));
    expect(rig.log).toEqual([
      expect.objectContaining({ verdict: 'denied', method: 'CONNECT', host: 'evil.test', port: 8443 }),
      { schema: 1, time: expect.any(String), verdict: 'denied', reason: 'not a request line of HTTP/1' },
    ]);
  });
});
