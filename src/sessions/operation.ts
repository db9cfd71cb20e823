/** The intent of a changing verb: written into the record before its first side effect (design.md §8). */
import { processIdentity } from '../sys/lock.ts';
import type { SessionRecord } from './store.ts';

/** A running operation, as the record holds it. */
export type Operation = NonNullable<SessionRecord['operation']>;

/** What a person asked for, in the words of the record. */
export type Wish = NonNullable<Operation['wish']>;

/** What an intent is made of. */
export interface Intent {
  readonly id: string;
  readonly at: Date;
  readonly wish?: Wish;
}

/** This process's operation. `at` is also the name of what it archives: a repeat of a dead one keeps it. */
export async function newOperation(
  kind: Operation['kind'],
  { id, at, wish = {} }: Intent,
): Promise<Operation> {
  const { pid, started, boot } = await processIdentity(process.pid);
  return { id, kind, pid, started, boot, at: at.toISOString(), wish };
}

/** What was asked for when the operation of this kind began that is half done; nothing when there is none. */
export function wishOf({ operation }: Pick<SessionRecord, 'operation'>, kind: Operation['kind']): Wish {
  return (operation?.kind === kind ? operation.wish : undefined) ?? {};
}

const VERBS: Readonly<Partial<Record<SessionRecord['status'], Operation['kind']>>> = {
  starting: 'start',
  finishing: 'finish',
  cancelling: 'cancel',
  recovering: 'recover',
};

/** The verb that has not come to its end; it runs, or its para has died. */
export function halfDoneVerb({
  status,
  operation,
}: Pick<SessionRecord, 'status' | 'operation'>): Operation['kind'] | undefined {
  return VERBS[status] ?? operation?.kind;
}

/** The command that settles whatever is half done in a session. */
export function settledWith(session: string): string {
  return `para recover ${session}`;
}
