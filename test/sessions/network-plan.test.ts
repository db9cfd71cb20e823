import { expect, test } from '@jest/globals';
import type { NetworkAsk } from '../../src/config/load.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { decideNetwork, type NetworkFlags } from '../../src/sessions/network-plan.ts';

/** `mode domain …`; `-` for a mode that is not said. */
function said(text: string): { readonly mode: never; readonly allowed_domains: string[] } | NetworkAsk {
  const [mode = '-', ...domains] = text.split(' ');
  return {
    ...(mode === '-' ? {} : { mode: mode as 'none' }),
    ...(domains.length === 0 ? {} : { allowed_domains: domains }),
  };
}

function decide(user: string, project: string, docker: string, flags: string): string {
  const own = { ...DEFAULTS.docker.network, ...said(user) } as Parameters<typeof decideNetwork>[1]['own'];
  const { mode, allowed_domains: allowDomains = [] } = said(flags) as NetworkAsk;
  const asks = [
    { file: 'P', ...said(project) },
    { file: 'D', ...said(docker) },
  ];
  const typed: NetworkFlags = { mode, allowDomains };
  const { mode: decided, allow, effects } = decideNetwork(typed, { own, asks });
  const beyond = effects.map(({ file, effect }) => `${file}: ${effect}`);
  return [`${decided} ${allow.join(' ')}`.trim(), ...beyond].join(', ');
}

test.each([
  // user, .para/config.json, .para/docker.json, flags
  ['-', '-', '-', '-', 'bridge'],
  ['none', '-', '-', '-', 'none'],
  ['-', '-', '-', 'none', 'none'],
  ['-', '-', '-', '- a.com', 'restricted a.com'],
  ['- b.com', '-', '-', 'restricted a.com', 'restricted b.com a.com'],
  ['restricted a.com', '-', '-', '-', 'restricted a.com'],
  ['restricted npm', '-', '-', '-', 'restricted registry.npmjs.org'],
  // Narrower is free: who reached everything, and who reached that already.
  ['-', 'restricted a.com', '-', '-', 'restricted a.com'],
  ['-', 'restricted', '- a.com', '-', 'restricted a.com, D: reaches a.com'],
  ['-', '- a.com', 'restricted', '-', 'restricted a.com'],
  ['restricted *.a.com', '- b.a.com', '-', '-', 'restricted *.a.com b.a.com'],
  ['restricted a.com', 'none', '-', '-', 'none a.com'],
  // Wider is told.
  ['restricted a.com', '- a.com evil.test', '-', '-', 'restricted a.com evil.test, P: reaches evil.test'],
  ['restricted', 'bridge', '-', '-', 'bridge, P: network mode bridge'],
  ['none', 'restricted', '- a.com', '-', 'restricted a.com, P: network mode restricted, D: reaches a.com'],
  [
    'restricted',
    'none evil.test',
    'restricted',
    '-',
    'restricted evil.test, D: network mode restricted, P: reaches evil.test',
  ],
  ['-', 'restricted a.com', 'bridge', '-', 'bridge a.com, D: network mode bridge'],
  // A flag is the user's word, and no file goes before it.
  ['restricted', 'restricted', '-', 'bridge', 'bridge'],
  ['restricted', '- evil.test', 'bridge', 'none', 'none evil.test'],
  ['-', 'none', '- a.com', '- a.com', 'restricted a.com'],
  ['-', '- evil.test', '-', 'restricted', 'restricted evil.test, P: reaches evil.test'],
])('user %s, project %s, docker.json %s, flags %s: %s', (user, project, docker, flags, expected) => {
  expect(decide(user, project, docker, flags)).toBe(expected);
});
