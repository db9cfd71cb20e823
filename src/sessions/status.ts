/** What people and programs on the host say and see of the status of sessions. */
import { findPlaces, findSession, type FindContext } from './find.ts';
import type { StatusWish } from './host-status.ts';
import { readStatus, sayFromHost, type Told } from './status-file.ts';
import { listRecords, type Places } from './store.ts';

/** What saying it needs of the App. */
export interface StatusContext extends FindContext {
  now(): Date;
}

/** A session and what it says. */
export interface SessionStatus extends Told {
  readonly session: string;
}

/** Says it for a session that is not in a container, or in its container's stead. @throws SESSION_NOT_FOUND */
export async function tellStatus(
  context: StatusContext,
  session: string | undefined,
  wish: StatusWish,
): Promise<SessionStatus> {
  const { places, record } = await findSession(context, session);
  const now = context.now();
  const status = await sayFromHost(places, record.name, wish, now);
  return { session: record.name, status, at: now, defect: undefined };
}

/** What one session says. @throws SESSION_NOT_FOUND */
export async function showStatus(context: FindContext, session: string | undefined): Promise<SessionStatus> {
  const { places, record } = await findSession(context, session);
  return statusOf(places, record.name);
}

/** What all sessions at work say, by name. */
export async function summarise(context: FindContext): Promise<readonly SessionStatus[]> {
  const places = await findPlaces(context);
  const { records } = await listRecords(places);
  const active = records.filter(({ status }) => status !== 'review');
  return Promise.all(active.map(({ name }) => statusOf(places, name)));
}

async function statusOf(places: Places, session: string): Promise<SessionStatus> {
  return { session, ...(await readStatus(places.docker(session))) };
}
