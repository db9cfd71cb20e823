import { validateSessionRecord } from './generated/validators.cjs';

/** What is wrong with a session record, in words; undefined when it fits schemas/session.schema.json. */
export function checkSessionRecord(data: unknown): string | undefined {
  if (validateSessionRecord(data)) return undefined;
  const first = validateSessionRecord.errors?.[0];
  return first === undefined
    ? 'invalid'
    : `${first.instancePath.slice(1).replaceAll('/', '.') || 'the file'} ${first.message ?? 'is wrong'}`;
}
