/** What `list` says of records that can not be read. */
import { ParaError } from '../errors.ts';
import { loadRecord, type Places } from './store.ts';

/** Why records can not be read, and how to go on. */
export async function unreadable(places: Places, sessions: readonly string[]): Promise<readonly string[]> {
  const why = async (session: string): Promise<string> => {
    const error: unknown = await loadRecord(places, session).catch((cause: unknown) => cause);
    return error instanceof ParaError ? `${error.message}; ${wayOn(session, error)}` : '';
  };
  return (await Promise.all(sessions.map(why))).filter((text) => text !== '');
}

/** Nothing else is left of the session, or a newer para has it. */
function wayOn(session: string, { hint, details }: ParaError): string {
  if (details?.['newer'] === true) return hint ?? '';
  return `nothing else is left of that session; to put the record aside: para recover ${session}`;
}
