import { expect, test } from '@jest/globals';
import { kindOf, kindWords, type BoxKind } from '../../src/sessions/box-kind.ts';
import type { SessionRecord } from '../../src/sessions/store.ts';

const USUAL: BoxKind = { network: 'bridge', hardening: 'default', ssh_agent: false, secrets: null };

test.each<[string, Partial<BoxKind>]>([
  ['-', {}],
  ['-', { secrets: 'given' }],
  ['no net', { network: 'none' }],
  ['restricted', { network: 'restricted' }],
  ['restricted, strict', { network: 'restricted', hardening: 'strict' }],
  ['no secrets, ssh, unhardened', { hardening: 'off', ssh_agent: true, secrets: 'missing' }],
])('%s', (words, change) => {
  expect(kindWords({ ...USUAL, ...change })).toBe(words);
});

test('nothing of a session without a container', async () => {
  expect(await kindOf('/nowhere', { container: null }, null)).toBeNull();
  expect(kindWords(null)).toBe('-');
});

test('as the record says', async () => {
  const container = { name: 'c', network: 'n', hardening: 'strict' } as SessionRecord['container'];
  const of = (change: object): Promise<BoxKind | null> =>
    kindOf('/nowhere', { container: { ...container, ...change } as SessionRecord['container'] }, 'running');
  expect(await of({})).toEqual({ ...USUAL, hardening: 'strict' });
  expect(await of({ network: 'none', ssh_agent: true })).toMatchObject({ network: 'none', ssh_agent: true });
  const restricted = { egress: 'e', allowed_domains: [] };
  expect(await of({ restricted, made_with: { secrets: [] } })).toMatchObject({
    ...{ network: 'restricted', secrets: null },
  });
});
