import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bridgeHere, bridgeProgram, useBridge } from '../../src/docker/bridge.ts';
import type { Capabilities, EngineCommand } from '../../src/docker/driver.ts';
import { podman } from '../../src/docker/drivers/podman.ts';
import { driverFor, fixture } from './fixtures.ts';

describe('a bridge of this machine', () => {
  let root: string;
  const conf = (family: string, name: string): string => join(root, 'proc/sys/net', family, 'conf', name);
  const set = (name: string, rpFilter: number): void => {
    mkdirSync(conf('ipv4', name), { recursive: true });
    writeFileSync(join(conf('ipv4', name), 'rp_filter'), `${String(rpFilter)}\n`);
    writeFileSync(join(conf('ipv4', name), 'arp_ignore'), '0\n');
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'para-bridge-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  test.each([
    [0, 0, 0],
    [1, 0, 1],
    [0, 2, 2],
    [2, 1, 2],
  ])('all %i, its own %i: the kernel takes the higher one', async (all, own, rpFilter) => {
    set('all', all);
    set('br-1', own);
    expect(await bridgeHere('br-1', 'look', root)).toEqual({ bridge: 'br-1', rpFilter });
  });

  test('is shut: no packet, no answer to who has an address, no IPv6; to look changes nothing', async () => {
    set('all', 0);
    set('br-1', 0);
    const six = join(conf('ipv6', 'br-1'), 'disable_ipv6');
    mkdirSync(conf('ipv6', 'br-1'), { recursive: true });
    writeFileSync(six, '0\n');
    const read = (): string[] =>
      ['rp_filter', 'arp_ignore']
        .map((name) => join(conf('ipv4', 'br-1'), name))
        .concat(six)
        .map((file) => readFileSync(file, 'utf8').slice(0, 1));
    expect(await bridgeHere('br-1', 'look', root)).toEqual({ bridge: 'br-1', rpFilter: 0 });
    expect(read()).toEqual(['0', '0', '0']);
    expect(await bridgeHere('br-1', 'shut', root)).toEqual({ bridge: 'br-1', rpFilter: 1 });
    expect(read()).toEqual(['1', '8', '1']);
  });

  test('a kernel without IPv6', async () => {
    set('all', 0);
    set('br-1', 0);
    expect(await bridgeHere('br-1', 'shut', root)).toEqual({ bridge: 'br-1', rpFilter: 1 });
  });

  test('there is none: nothing is told, and nothing made', async () => {
    set('all', 0);
    expect(await bridgeHere('br-1', 'shut', root)).toBeUndefined();
    expect(() => readFileSync(join(conf('ipv4', 'br-1'), 'rp_filter'))).toThrow('ENOENT');
  });
});

describe('a bridge in a namespace of the engine', () => {
  const can = (engine: string, more: Partial<Capabilities> = {}): Capabilities => ({
    ...driverFor(engine).info().parse(fixture(engine, 'info.json')),
    ...more,
  });
  const ROOTLESS = can('podman-4.3.1-rootless');
  const use = async (said: string, bridge = 'podman3', capabilities = ROOTLESS) => {
    const ran: (readonly string[])[] = [];
    const run = <T>(command: EngineCommand<T>): Promise<T> => {
      ran.push(command.args);
      return Promise.resolve(command.parse(said));
    };
    const engine = { driver: podman, capabilities };
    return { state: await useBridge(engine, run, bridge, 'shut'), ran };
  };

  test('rootless podman: one call', async () => {
    const { state, ran } = await use('0\n1\n');
    expect(state).toEqual({ bridge: 'podman3', rpFilter: 1 });
    expect(ran).toEqual([['unshare', '--rootless-netns', ...bridgeProgram('podman3', 'shut')]]);
  });

  test.each(['', '0\n', 'what\n1\n', '\n\n'])('an answer such as %j tells nothing', async (said) => {
    expect((await use(said)).state).toBeUndefined();
  });

  test.each(['', '.', '..', '../all', 'a/b', 'all', 'default', 'lo', 'a b', 'x'.repeat(16)])(
    'no device is called %j: nothing is run',
    async (bridge) => {
      expect(await use('0\n0\n', bridge)).toEqual({ state: undefined, ran: [] });
    },
  );

  test('a remote engine: what has the same name here is another one', async () => {
    expect(await use('0\n0\n', 'lo0', can('podman-4.3.1-root', { remote: true }))).toEqual({
      ...{ state: undefined, ran: [] },
    });
  });
});
