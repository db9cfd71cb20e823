/** What the steps share that make a container. */
import type { Mount, PortMapping } from '../docker/driver.ts';
import type { ClosedPlace } from '../docker/spec.ts';
import type { PinState } from './pin-image.ts';
import type { StartPlan } from './start.ts';

/** What the steps of a container hand to each other. */
export interface ContainerState extends PinState {
  gitMounts: readonly Mount[];
  /** git knows already that the base is what repository and container have in common. */
  isPinned?: boolean;
  /** Whether the engine has the image, when that was asked already. */
  imageThere?: Promise<boolean>;
  networkMade: boolean;
  /** The engine has a container of this name that another start made. */
  nameTaken: boolean;
  /** What it was called while it was kept ready, when it is such a one. */
  warm?: string;
  /** The engine's id of it. */
  containerId?: string;
  /** Where a restricted one is in its network. */
  place?: ClosedPlace;
  /** What a restricted one's proxy publishes for it. */
  published?: readonly PortMapping[];
}

/** The session that gets a container: as it was planned, or as it has been for a while. */
export type ContainerHost = Omit<StartPlan, 'container'>;
