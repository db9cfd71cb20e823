import { expect, test } from '@jest/globals';
import { loadConfig, loadSessionDocker } from '../../src/config/load.ts';
import { parseSize } from '../../src/config/size.ts';

test('accepts the two published examples', async () => {
  const { config, origin } = await loadConfig({ userFile: 'fixtures/configs/valid/config-seed.json' });
  expect(config.docker.default_resource_limits.memory_limit).toBe(4294967296);
  expect(origin.get('docker.default_image')).toBe('fixtures/configs/valid/config-seed.json');
  expect(origin.get('git.push')).toBe('default');
  expect(Object.isFrozen(config.docker.network)).toBe(true);
  expect((await loadSessionDocker('fixtures/configs/valid/docker-seed.json'))?.ports?.[0]?.host_port).toBe(
    3000,
  );
});

test('reads sizes', () => {
  expect(parseSize('1.5GiB')).toBe(1610612736);
  expect(() => parseSize('5m')).toThrow('least');
});
