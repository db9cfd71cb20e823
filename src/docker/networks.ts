/** The networks of an engine: shared ones by name, and closed ones at a place that is free. */
import { hasCode } from '../errors.ts';
import { succeeded } from '../sys/run.ts';
import { useBridge, type BridgeState, type BridgeUse } from './bridge.ts';
import type { Engine, EngineCommand, NetworkInfo, NetworkRow } from './driver.ts';
import type { ExecCalls } from './exec.ts';
import { subnetsOf } from './subnet.ts';

type Labels = Readonly<Record<string, string>>;

/** The service's own ways to call its engine. */
interface Calls extends ExecCalls {
  readonly run: <T>(command: EngineCommand<T>, subject: string) => Promise<T>;
}

/** A closed network that is wanted. */
export interface ClosedNetwork {
  readonly name: string;
  readonly labels: Labels;
  /** Where its subnet is taken from, in CIDR notation. */
  readonly pool: string;
}

/** What can be done with networks. */
export interface Networks {
  /**
   * Makes the network unless present; callers take turns. `onMake` is called before it is made.
   * @returns true when this call made it
   */
  ensureNetwork(name: string, labels: Labels, onMake?: () => void): Promise<boolean>;
  /** Makes a closed network in a part of the pool that is free. @throws SUBNET_IN_USE when none is found */
  createClosedNetwork(network: ClosedNetwork): Promise<void>;
  /** Undefined when there is none of the name. */
  network(name: string): Promise<NetworkInfo | undefined>;
  networks(labels: Labels): Promise<readonly NetworkRow[]>;
  /** Shuts the bridge of a closed network, or looks at it (bridge.ts). Undefined when nothing can be told of it. */
  bridge(network: Pick<NetworkInfo, 'name' | 'bridge'>, how: BridgeUse): Promise<BridgeState | undefined>;
  /** Removes it; absent is not an error. */
  removeNetwork(name: string): Promise<void>;
}

/** How many subnets are tried: others take some of them, and a part of the pool may be in use on this machine. */
const TRIES = 64;

/** For an engine that was found. */
export function networksOf(engine: Engine, calls: Calls): Networks {
  const { driver } = engine;
  const subject = (name: string): string => `network ${name}`;
  const find = (name: string): Promise<NetworkInfo | undefined> =>
    calls.run(driver.networkInspect(name), subject(name)).catch((error: unknown) => {
      if (hasCode(error, 'NETWORK_NOT_FOUND')) return undefined;
      throw error;
    });
  const isThere = async (name: string): Promise<boolean> => (await find(name)) !== undefined;
  return {
    network: find,
    ensureNetwork: async (name, labels, onMake) => {
      if (await isThere(name)) return false;
      onMake?.();
      const made = await calls.capture(driver.networkCreate({ name, labels }));
      if (succeeded(made)) return true;
      // Someone else's network, made meanwhile. Docker may make a second one instead: callers take turns.
      if (await isThere(name)) return false;
      throw calls.fail(made, subject(name));
    },
    createClosedNetwork: async ({ name, labels, pool }) => {
      let refused: unknown;
      for (const closed of subnetsOf(pool, name, TRIES)) {
        try {
          await calls.run(driver.networkCreate({ name, labels, closed }), subject(name));
          return;
        } catch (error) {
          if (!hasCode(error, 'SUBNET_IN_USE')) throw error;
          refused = error;
        }
      }
      throw refused;
    },
    networks: (labels) => calls.run(driver.networkList(labels), 'the list of networks'),
    bridge: ({ name, bridge }, how) =>
      useBridge(engine, (command) => calls.run(command, subject(name)), bridge, how),
    removeNetwork: async (name) => {
      await calls.run(driver.networkRemove(name), subject(name)).catch((error: unknown) => {
        if (!hasCode(error, 'NETWORK_NOT_FOUND')) throw error;
      });
    },
  };
}
