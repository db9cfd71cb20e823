/** The record of a session, however it is still known. What puts one together is loaded when it is needed. */
import { ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import { loadRecord, placesOf, saysNewer, type SessionRecord } from './store.ts';

/** The record, or the rebuilt one when there is none that can be read. @throws CONFIG_UNREADABLE of a newer para */
export async function loadOrRebuild(
  repository: () => Promise<Repository>,
  root: string,
  session: string,
): Promise<SessionRecord | undefined> {
  let unreadable: ParaError | undefined;
  try {
    const record = await loadRecord(placesOf(root), session);
    if (record !== undefined) return record;
  } catch (error) {
    if (!(error instanceof ParaError) || error.code !== 'CONFIG_UNREADABLE' || saysNewer(error)) throw error;
    unreadable = error;
  }
  const { rebuildRecord } = await import('./rebuild.ts');
  const rebuilt = await rebuildRecord(await repository(), session);
  if (rebuilt === undefined && unreadable !== undefined) throw unreadable;
  return rebuilt;
}
