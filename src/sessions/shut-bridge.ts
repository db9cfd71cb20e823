/** That this machine takes nothing which comes out of a closed network by its bridge; to be asked before each start. */
import type { Config } from '../config/load.ts';
import type { BridgeState } from '../docker/bridge.ts';
import type { NetworkInfo } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';

/** Where the user's own settings are. */
export interface OwnSettings {
  config(): Promise<{ readonly own: Config }>;
}

/** Whether what is not closed keeps its container from being started: the user's word alone, as `restrictedBy` has it. */
export async function isTested(context: OwnSettings): Promise<boolean> {
  return (await context.config()).own.docker.network.self_test;
}

/**
 * Shuts the bridge, where para may, which does not last: a bridge that is made anew is open again. Where nothing can be told
 * of it (an engine on another machine) nothing is said.
 * @throws NETWORK_NOT_CLOSED when it stays open, unless the network is not to be tested
 */
export async function shutBridge(
  service: DockerService,
  network: NetworkInfo,
  { container, selfTest }: { readonly container: string; readonly selfTest: boolean },
): Promise<void> {
  const state = await service.bridge(network, 'shut');
  if (state === undefined || !isOpen(state) || !selfTest) return;
  throw new ParaError(
    'NETWORK_NOT_CLOSED',
    `the network of ${container} is not closed: this machine takes what it sends to any of its addresses (${openText(state)})`,
    { hint: openHint(service, state), details: { bridge: state.bridge } },
  );
}

/** The kernel does not ask where a packet comes from. */
export function isOpen({ rpFilter }: BridgeState): boolean {
  return rpFilter === 0;
}

/** Why, in few words. */
export function openText({ bridge }: BridgeState): string {
  return `rp_filter is 0 for ${bridge}`;
}

/** For bridges that will be made, and the one that is there; it is gone again where a start was undone. */
function openHint({ engine }: DockerService, { bridge }: BridgeState): string {
  const names = ['default', bridge].map((name) => `net.ipv4.conf.${name}.rp_filter=1`);
  const set = ['sysctl', '-e', '-w', ...names];
  const apart = engine.driver.besideBridges(set, engine.capabilities);
  const line = apart === undefined ? ['sudo', ...set] : [engine.driver.name, ...apart.args];
  return `Until this machine is started anew (docs/network.md has how it lasts):\n${line.join(' ')}`;
}
