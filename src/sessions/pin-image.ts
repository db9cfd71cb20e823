/** Pinning an image: from its digest on it is the same bytes, whatever a registry says of its tag later. */
import type { Repository } from '../git/repository.ts';
import type { Step } from '../pipeline/step.ts';
import type { ContainerPlan } from './container-decision.ts';
import { rememberSession } from './rebuild.ts';
import { saveRecord, type Places, type SessionRecord } from './store.ts';

/** What the step leaves for those after it. */
export interface PinState {
  /** The image's digest, when it is pinned. */
  pinned?: string;
}

interface PinPlan {
  readonly repo: Repository;
  readonly places: Places;
  readonly record: SessionRecord;
}

/** In the record before the container is made of it: what makes it again has to take the same. */
export function pinImage(plan: PinPlan, { service, wish }: ContainerPlan): Step<PinState> {
  return {
    title: 'Pinning the image',
    run: async (state, note) => {
      state.pinned = await service.pinnedImage(wish.image);
      note(state.pinned);
      const record = asPinned(plan.record, state);
      await saveRecord(plan.places, record);
      await rememberSession(plan.repo, record);
    },
  };
}

/** The record with the image that was pinned, if one was. */
export function asPinned(record: SessionRecord, { pinned }: PinState): SessionRecord {
  const { container } = record;
  if (pinned === undefined || container === null) return record;
  return { ...record, container: { ...container, image: pinned, pinned_from: container.image } };
}
