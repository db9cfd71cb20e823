import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseHost, parseHostPort } from '../../src/proxy/host.ts';
import { isAllowed, isCovered, parseRule, parseRules, ruleText } from '../../src/proxy/host-rule.ts';

test.each([
  ['Example.COM', 'example.com'],
  ['example.com.', 'example.com'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['192.0.2.1', '192.0.2.1'],
  ['[2001:DB8:0:0::1]', '2001:db8::1'],
  ['[::ffff:192.0.2.1]', '::ffff:c000:201'],
  [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
])('%s is a host', (text, canonical) => {
  expect(parseHost(text)?.text).toBe(canonical);
});

test.each([
  ...['', '.', 'a..b', '.a', 'a.com..', '-a.com', 'a-.com', 'a_b.com', 'a b.com', 'bücher.example'],
  ...['127.1', '0x7f000001', '2130706433', '0177.0.0.1', '1.2.3.4.5', 'a.1', '127.0.0.1.', '01.2.3.4'],
  ...['a\0.com', 'a%2ecom', 'me@a.com', 'a.com/', '2001:db8::1', '[fe80::1%eth0]', '[1.2.3.4]', '[a.com]'],
  ...['a\u3002com', 'a\u0130.com', 'a.com\n', `${'a'.repeat(64)}.com`, `${'a.'.repeat(127)}aa`],
])('%j is no host', (text) => {
  expect(parseHost(text)).toBeUndefined();
});

test.each(['a.com:', 'a.com:0', 'a.com:65536', 'a.com:080', 'a.com:+1', 'a.com:1e2', 'a.com: 80', 'a:b:80'])(
  '%j is no host with a port',
  (text) => {
    expect(parseHostPort(text)).toBeUndefined();
  },
);

const allowed = (list: readonly string[], target: string): boolean => {
  const { host, port } = parseHostPort(target) ?? {};
  if (host === undefined || port === undefined) throw new Error(target);
  return isAllowed(parseRules(list), host, port);
};

test.each([
  [['example.com'], 'example.com:443', true],
  [['example.com'], 'EXAMPLE.com.:80', true],
  [['example.com'], 'example.com:8080', false],
  [['example.com'], 'a.example.com:443', false],
  [['example.com'], 'example.com.evil.test:443', false],
  [['example.com'], 'evilexample.com:443', false],
  [['example.com:8443'], 'example.com:8443', true],
  [['example.com:8443'], 'example.com:443', false],
  [['*.example.com'], 'a.b.example.com:443', true],
  [['*.example.com'], 'example.com:443', false],
  [['*.example.com'], 'aexample.com:443', false],
  [['192.0.2.1:5432'], '192.0.2.1:5432', true],
  [['192.0.2.1'], '192.0.2.2:443', false],
  [['[2001:db8::1]:443'], '[2001:DB8:0::1]:443', true],
  [[], 'example.com:443', false],
  [['*', 'http://example.com', ''], 'example.com:443', false],
])('%j: %s is allowed: %s', (list, target, expected) => {
  expect(allowed(list, target)).toBe(expected);
});

test.each([
  [['*.example.com'], 'a.example.com', true],
  [['*.example.com'], '*.a.example.com:443', true],
  [['*.example.com'], '*.example.com', true],
  [['*.example.com'], 'example.com', false],
  [['a.example.com'], '*.example.com', false],
  [['*.a.example.com'], '*.example.com', false],
  [['example.com'], 'example.com:80', true],
  [['example.com:443'], 'example.com', false],
  [['example.com:443', 'example.com:80'], 'example.com', true],
])('%j covers %s: %s', (list, entry, expected) => {
  const rule = parseRule(entry);
  if (rule === undefined) throw new Error(entry);
  expect(isCovered(parseRules(list), rule)).toBe(expected);
});

test('an entry that is written and read again is the same', () => {
  const port = fc.option(fc.integer({ min: 1, max: 65_535 }));
  const name = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((text) => `[${text}]`),
  );
  fc.assert(
    fc.property(name, port, fc.boolean(), (host, number, below) => {
      const rule = parseRule(`${below ? '*.' : ''}${host}${number === null ? '' : `:${String(number)}`}`);
      if (rule !== undefined) expect(parseRule(ruleText(rule))).toEqual(rule);
      return rule !== undefined || below;
    }),
    { numRuns: 300 },
  );
});
