/** What was asked of a finish, kept in the record while it runs. */
import type { Keeping } from './keep-files.ts';
import { wishOf, type Wish } from './operation.ts';
import type { SessionRecord } from './store.ts';

/** What a person asked for. */
export interface FinishRequest {
  readonly message: string;
  readonly session: string | undefined;
  readonly branch: string | undefined;
  /** undefined: as `git.push` says. */
  readonly push: boolean | undefined;
  /** Do without the engine: the container is left to `docker cleanup`. */
  readonly noContainer: boolean;
  /** What becomes of ignored files and nested repositories. */
  readonly keeping: Keeping;
}

/** One that was cut short goes on with what was asked for then; what is said now counts more. */
export function goneOn(request: FinishRequest, record: SessionRecord): FinishRequest {
  const { branch, push, no_container: noContainer = false, ...kept } = wishOf(record, 'finish');
  const said = request.keeping.archive || request.keeping.force;
  const { archive_ignored: archive = false, force = false } = kept;
  return {
    ...request,
    branch: request.branch ?? branch,
    push: request.push ?? push,
    noContainer: request.noContainer || noContainer,
    // What was let go when it began may be something else by now: what nobody has named is packed.
    keeping: said ? request.keeping : { archive: archive || force, force },
  };
}

/** When the finish began that is gone on with. */
export function beganAt({ operation }: SessionRecord): Date | undefined {
  return operation?.kind === 'finish' ? new Date(operation.at) : undefined;
}

/** For the record. */
export function toWish({ message, branch, push, noContainer, keeping }: FinishRequest): Wish {
  return {
    message: message.trim(),
    ...(branch === undefined ? {} : { branch }),
    ...(push === undefined ? {} : { push }),
    no_container: noContainer,
    archive_ignored: keeping.archive,
    force: keeping.force,
  };
}
