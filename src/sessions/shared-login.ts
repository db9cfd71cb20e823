/** Logins that are renewed where they are used: whoever renews one first logs all the others out (facts/peers.md, pain 10). */
import { listRecords, type Places, type SessionRecord } from './store.ts';
import type { Vault } from './vault.ts';

/** A sentence for each login of the vault that the container of another session of this repository has too, and runs. */
export async function sharedLogins(
  places: Places,
  session: string,
  { secrets }: Pick<Vault, 'secrets'>,
): Promise<readonly string[]> {
  const rotating = new Set(secrets.filter((secret) => secret.rotating).map(({ name }) => name));
  if (rotating.size === 0) return [];
  const { records } = await listRecords(places);
  return records
    .filter((other) => other.name !== session && isLive(other))
    .flatMap((other) =>
      (other.container?.made_with?.secrets ?? [])
        .filter(({ name }) => rotating.has(name))
        .map(
          ({ name }) =>
            `the login ${name} is in the container of ${other.name} too: when one of them renews it, the other is logged out; a login of its own for each, or a key that stays the same, does not have this`,
        ),
    );
}

function isLive({ status, container }: SessionRecord): boolean {
  return status === 'active' && container !== null && (container.wanted ?? 'running') === 'running';
}
