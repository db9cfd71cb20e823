/** What sessions said last, for who looks again and again. */
import type { Told } from './status-file.ts';

/** Puts what was said before into the place of what can not be taken now; its defect stays. */
export function createLastStatus(): <T extends Told>(session: string, told: T) => T {
  const last = new Map<string, Told>();
  return (session, told) => {
    const before = last.get(session);
    if (told.defect === undefined) last.set(session, told);
    if (told.defect === undefined || before?.status === undefined) return told;
    // What the host has written may be older than what was seen of the container.
    const isOlder = told.status === undefined || (told.at ?? 0) < (before.at ?? 0);
    return isOlder ? { ...told, status: before.status, at: before.at } : told;
  };
}
