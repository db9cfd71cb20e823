import { expect, test } from '@jest/globals';
import { createLog, type Told } from '../../src/proxy/log.ts';
import { learnFrom, parseEntry } from '../../src/sessions/network-log.ts';

/** The entry of what the proxy writes for a request. */
function written(told: Told) {
  let line = '';
  createLog(
    (text) => (line = text),
    () => 0,
  ).request(told);
  return parseEntry(line.trim());
}

test('reads what the proxy writes', () => {
  expect(
    written({ verdict: 'denied', method: 'CONNECT', host: 'a.test', port: 443, reason: 'not HTTP/1.1' }),
  ).toEqual({
    ...{ time: '1970-01-01T00:00:00.000Z', verdict: 'denied', method: 'CONNECT', host: 'a.test', port: 443 },
    ...{ reason: 'not HTTP/1.1', sent: null, received: null, count: null },
  });
  expect(written({ verdict: 'allowed', host: '2001:db8::1', port: 1, sent: 7, received: 8 })).toMatchObject({
    ...{ host: '[2001:db8::1]', sent: 7, received: 8 },
  });
});

const ENTRY = { schema: 1, time: '2026-01-02T03:04:05.678Z', verdict: 'denied' };
const line = (change: object) => JSON.stringify({ ...ENTRY, ...change });

test.each([
  ['', 'not JSON', '{', 'null', '[]', '{}', '{"event":"ready"}', '"denied"'],
  [
    line({ verdict: 'DENIED' }),
    line({ time: 'now' }),
    line({ time: '\u001b[2J' }),
    line({ verdict: undefined }),
  ],
  [line({ reason: 'a'.repeat(5000) }), `${line({})}${line({})}`],
])('takes nothing of lines that are none of the log', (...lines) => {
  expect(lines.map(parseEntry)).toEqual(lines.map(() => undefined));
});

test.each([
  { host: '\u001b]0;x\u0007.test' },
  { host: 'a.test\nverdict' },
  { host: '127.1' },
  { host: 7 },
  { port: 70_000 },
  { port: '-1' },
  { method: 'CONNECT\u001b[31m' },
  { reason: '\u202ex' },
  { sent: 1e300, received: -1, count: 'many' },
])('leaves out what is not as the proxy writes it: %j', (change) => {
  const empty = {
    method: null,
    host: null,
    port: null,
    reason: null,
    sent: null,
    received: null,
    count: null,
  };
  expect(parseEntry(line(change))).toEqual({ time: ENTRY.time, verdict: 'denied', ...empty });
});

test('proposes what was refused for want of an entry, the most asked for first', () => {
  const denied = (host: string, port: number, reason = 'not on the allow-list') =>
    parseEntry(line({ host, port, reason })) ?? [];
  const entries = [
    ...[denied('a.test', 443), denied('registry.npmjs.org', 443), denied('a.test', 8443)],
    ...[denied('registry.npmjs.org', 80), denied('b.test', 443, 'no Host')],
    ...[denied('c.test', 443, 'its address is not one of the internet')],
    ...[denied('self-test.para.invalid', 443)],
  ].flat();
  expect(learnFrom(entries)).toEqual([
    { entry: 'registry.npmjs.org', times: 2, preset: 'npm' },
    { entry: 'a.test', times: 1, preset: null },
    { entry: 'a.test:8443', times: 1, preset: null },
  ]);
});
