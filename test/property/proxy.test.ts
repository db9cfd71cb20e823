import { afterAll, beforeAll, expect } from '@jest/globals';
import fc from 'fast-check';
import { isRefusal, parseHead } from '../../src/proxy/head.ts';
import { Rig } from '../proxy/rig.ts';
import { fuzz } from './fuzz.ts';

let rig: Rig;
let port: number;

beforeAll(async () => {
  rig = new Rig();
  port = (await rig.proxy({ allow: ['allowed.test', '*.wild.test'] })).port;
});
afterAll(() => {
  rig.close();
});

const piece = fc.constantFrom(
  ...['CONNECT ', 'GET ', 'http://', 'allowed.test', 'evil.test', '.wild.test', 'wild.test', ':443', ':80'],
  ...[' HTTP/1.1', ' HTTP/1.0', '\r\n', 'Host: ', '@', '/', '?', '#', '.', '%2e', '\0', '\t', ' ', '\\', '*'],
  ...['[', ']', '::1', '127.0.0.1', 'Connection: host', 'Transfer-Encoding: chunked', 'Content-Length: 1'],
);
const noise = fc.string({
  unit: fc.integer({ max: 255 }).map((byte) => String.fromCharCode(byte)),
  maxLength: 3,
});
const few = fc.oneof(fc.constant([]), fc.array(piece, { maxLength: 2 }));
const start = fc.constantFrom('CONNECT ', 'CONNECT ', 'GET http://', 'CONNECT a.');
const host = fc.constantFrom('allowed.test', 'a.wild.test', 'ALLOWED.test.', 'evil.test', 'wild.test');
const end = fc.constantFrom(
  ':443 HTTP/1.1',
  ' HTTP/1.0',
  '/ HTTP/1.0',
  ':443 HTTP/1.0\r\nHost: allowed.test:443',
);
const request = fc.oneof(
  fc.array(fc.oneof({ weight: 9, arbitrary: piece }, noise), { maxLength: 9 }),
  { weight: 4, arbitrary: fc.tuple(start, few, host, few, end).map((parts) => parts.flat()) },
  fc.tuple(start, host, noise, end),
);

/** What is on the list, said in another way than the proxy's own. */
const LISTED = /^(allowed\.test|([a-z0-9-]{1,63}\.)+wild\.test)$/;

fuzz('P9', 'whatever bytes are sent, what is dialled is listed and was asked for', request, async (parts) => {
  const head = parts.join('');
  rig.asked.length = 0;
  rig.log.length = 0;
  // Nothing has an address here, so that all ends with an answer.
  expect(await rig.say(port, `${head}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 (400|403|405|502|505) /);
  expect(rig.asked.length).toBeLessThanOrEqual(1);
  const [name] = rig.asked;
  if (name === undefined) return false;
  expect(name).toMatch(LISTED);
  expect(head.toLowerCase()).toContain(name);
  const parsed = parseHead(head.split('\r\n\r\n')[0] ?? '');
  const sent = isRefusal(parsed) ? undefined : parsed.forward?.head.split('\r\n');
  // A plain one goes on with that host and no other.
  if (sent !== undefined) expect(sent.filter((line) => /^host:/i.test(line))).toEqual([sent[1]]);
  if (sent !== undefined) expect(sent[1]).toMatch(new RegExp(`^host: ${name}(:443)?$`));
  return true;
});
