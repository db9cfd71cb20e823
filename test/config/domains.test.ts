import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { DOMAIN_PRESETS } from '../../src/config/domain-presets.ts';
import { expandDomains } from '../../src/config/domains.ts';
import { parseRule, ruleText } from '../../src/proxy/host-rule.ts';

test('presets are lists of canonical entries, each once', () => {
  for (const [name, hosts] of Object.entries(DOMAIN_PRESETS)) {
    expect([name, expandDomains([name])]).toEqual([name, hosts]);
    for (const host of hosts) {
      const rule = parseRule(host);
      expect(rule && ruleText(rule)).toBe(host);
    }
  }
});

test('docs/network.md tells what is in each preset', () => {
  const rows = readFileSync('docs/network.md', 'utf8')
    .split('\n')
    .map((line) => line.split('|'));
  const told = rows.flatMap(([, preset = '', hosts = '', by]) =>
    /^ `[a-z]+` /.test(preset) && by !== '' && hosts.includes('`')
      ? [[preset.replaceAll(/[` ]/g, ''), hosts.replaceAll(/[` ]/g, '').split(',')] as const]
      : [],
  );
  expect(Object.fromEntries(told)).toEqual(DOMAIN_PRESETS);
});

test('entries become canonical ones, each once', () => {
  expect(expandDomains(['npm', 'Example.COM.', 'registry.npmjs.org', '[2001:DB8::0:1]:443'])).toEqual([
    'registry.npmjs.org',
    'example.com',
    '[2001:db8::1]:443',
  ]);
});
