/**
 * The bridge of a closed network: a device of the host's kernel that joins the containers, and has no address. Linux lets a
 * process choose the device that it sends by, and takes every address beyond it for one on the link (socket(7),
 * SO_BINDTODEVICE). Unless the host asks where a packet comes from, it takes what is sent to any of its addresses.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine, EngineCommand } from './driver.ts';

/** How the kernel treats what comes in by a bridge. */
export interface BridgeState {
  readonly bridge: string;
  /**
   * rp_filter, the higher one of the bridge's and of all (kernel, ip-sysctl): at 0 the host takes everything. At 1 and at 2
   * it takes nothing, as long as the bridge has no address (all tried: to an address, to everybody, to a group).
   */
  readonly rpFilter: number;
}

/** Only to look at one changes nothing. */
export type BridgeUse = 'shut' | 'look';

/** What a bridge is set to, below `/proc/sys/net`: no packet is taken, no question for an address answered, no IPv6 spoken. */
const SHUT = [
  ['ipv4', 'rp_filter', '1'],
  ['ipv4', 'arp_ignore', '8'],
  ['ipv6', 'disable_ipv6', '1'],
] as const;

/**
 * Shuts the bridge of a closed network, or looks at it; whether it worked is told by the state. Undefined when there is no
 * such bridge here: the engine is on another machine, or in one of its own, and nothing can be told.
 */
export async function useBridge(
  { driver, capabilities }: Pick<Engine, 'driver' | 'capabilities'>,
  run: <T>(command: EngineCommand<T>) => Promise<T>,
  bridge: string,
  how: BridgeUse,
): Promise<BridgeState | undefined> {
  // A remote engine's has the name of another one here.
  if (!isBridge(bridge) || capabilities.remote) return undefined;
  const apart = driver.besideBridges(bridgeProgram(bridge, how), capabilities);
  if (apart === undefined) return bridgeHere(bridge, how);
  const said = await run(apart);
  return stateOf(bridge, said.split('\n').slice(0, 2));
}

/** The same for one of this machine; `root` is the file system that has `/proc`. */
export async function bridgeHere(
  bridge: string,
  how: BridgeUse,
  root = '/',
): Promise<BridgeState | undefined> {
  const file = (family: string, name: string, setting: string): string =>
    join(root, 'proc/sys/net', family, 'conf', name, setting);
  const read = (name: string): Promise<string> =>
    readFile(file('ipv4', name, 'rp_filter'), 'utf8').catch(() => '');
  if (how === 'shut')
    for (const [family, setting, value] of SHUT)
      // Root alone may, and not every kernel has IPv6.
      await writeFile(file(family, bridge, setting), value, { flag: 'r+' }).catch(() => undefined);
  return stateOf(bridge, [await read('all'), await read(bridge)]);
}

/** The same as a program. */
export function bridgeProgram(bridge: string, how: BridgeUse): readonly string[] {
  const look = 'cd /proc/sys/net/ipv4/conf && [ -e "$1" ] || exit 0; cat all/rp_filter "$1/rp_filter"';
  const writes = SHUT.map(
    ([family, setting, value]) => `echo ${value} >"/proc/sys/net/${family}/conf/$1/${setting}"`,
  );
  const script = how === 'shut' ? `{ ${writes.join('; ')}; } 2>/dev/null; ${look}` : look;
  return ['sh', '-c', script, 'sh', bridge];
}

function stateOf(bridge: string, texts: readonly string[]): BridgeState | undefined {
  const values = texts.map((text) => (/^\d+$/.test(text.trim()) ? Number(text) : NaN));
  const rpFilter = Math.max(...values);
  return Number.isNaN(rpFilter) ? undefined : { bridge, rpFilter };
}

/** A name that can be one device's: it comes from the engine, and becomes part of a path. */
function isBridge(name: string): boolean {
  return /^(?!\.{1,2}$)[\w.-]{1,15}$/.test(name) && name !== 'all' && name !== 'default' && name !== 'lo';
}
