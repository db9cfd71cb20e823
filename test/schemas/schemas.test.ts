import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { checkConfig } from '../../src/config/check.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';

interface Node {
  readonly type?: unknown;
  readonly description?: string;
  readonly default?: unknown;
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}
const load = (name: string) => JSON.parse(readFileSync(`schemas/${name}.schema.json`, 'utf8')) as Node;

/** Every property of a schema with its path. */
function properties(node: Node, path = ''): readonly (readonly [string, Node])[] {
  const inner = Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    properties(child, `${path}.${key}`),
  );
  return [[path, node], ...inner, ...(node.items === undefined ? [] : properties(node.items, `${path}[]`))];
}

test.each(['config', 'docker', 'session', 'agent', 'approval'])(
  'the schema %s describes everything and leaves nothing open',
  (name) => {
    for (const [path, node] of properties(load(name))) {
      if (!path.endsWith('[]'))
        expect([path, node.description]).toEqual([path, expect.stringMatching(/^[A-Z].*\.$/)]);
      if (node.properties !== undefined) expect([path, node.additionalProperties]).toEqual([path, false]);
      expect([path, node.default]).toEqual([path, undefined]);
    }
  },
);

test('the defaults are valid settings', () => {
  expect(() => checkConfig('defaults', DEFAULTS)).not.toThrow();
});

test('every setting has a default or is not used', () => {
  const missing = properties(load('config')).filter(([path, node]) => {
    if (path.includes('[]') || node.properties !== undefined) return false;
    let at: unknown = DEFAULTS;
    for (const key of path.split('.').slice(1)) at = (at as Record<string, unknown> | undefined)?.[key];
    return at === undefined && !/not used|for editors|unless set/.test(node.description ?? '');
  });
  expect(missing.map(([path]) => path)).toEqual([]);
});
