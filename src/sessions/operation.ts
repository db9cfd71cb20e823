/** The intent of a changing verb: written into the record before its first side effect (design.md §8). */
import { processIdentity } from '../sys/lock.ts';
import type { SessionRecord } from './store.ts';

/** A running operation, as the record holds it. */
export type Operation = NonNullable<SessionRecord['operation']>;

/** This process's operation. `at` is also the name of what it archives: a repeat of a dead one keeps it. */
export async function newOperation(
  kind: Operation['kind'],
  { id, at }: { readonly id: string; readonly at: Date },
): Promise<Operation> {
  const { pid, started, boot } = await processIdentity(process.pid);
  return { id, kind, pid, started, boot, at: at.toISOString() };
}
