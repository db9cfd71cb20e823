/** Logins that are renewed where they are used: whoever renews one first logs all the others out (facts/peers.md, pain 10). */
import type { DockerService } from '../docker/service.ts';
import { LOGIN_LABEL } from '../docker/spec.ts';
import { ParaError } from '../errors.ts';
import { listRecords, type Places, type SessionRecord } from './store.ts';
import { rotatingOf, type Vault } from './vault.ts';

/** Whose container is about to hold which logins. */
export interface LoginUse {
  readonly places: Places;
  readonly session: string;
  readonly vault: Pick<Vault, 'secrets'>;
  /** Whom to ask for containers of other repositories, and this one's part of names; nobody is asked without. */
  readonly engine?: { readonly service: DockerService; readonly repoId: string };
}

/**
 * A sentence for each login of the vault that another live container has too: of this repository by the records, of all
 * others by labels, on the engine that is asked. Costs one engine call for each such login, and none without.
 */
export async function sharedLogins(use: LoginUse): Promise<readonly string[]> {
  const names = rotatingOf(use.vault);
  if (names.length === 0) return [];
  const others = await Promise.all(names.map((name) => elsewhere(use, name)));
  return [...(await here(use, names)), ...others.flat()];
}

async function here({ places, session }: LoginUse, names: readonly string[]): Promise<readonly string[]> {
  const { records } = await listRecords(places);
  return records
    .filter((other) => other.name !== session && isLive(other))
    .flatMap((other) =>
      (other.container?.made_with?.secrets ?? [])
        .filter(({ name }) => names.includes(name))
        .map(({ name }) => inWords(name, `the container of ${other.name}`)),
    );
}

/** Of other repositories; an engine that does not answer is told of by whatever follows. */
async function elsewhere({ engine }: LoginUse, name: string): Promise<readonly string[]> {
  if (engine === undefined) return [];
  const { service, repoId } = engine;
  const rows = await service.list({ [`${LOGIN_LABEL}${name}`]: '1' }).catch((error: unknown) => {
    if (error instanceof ParaError && error.code !== 'INTERRUPTED') return [];
    throw error;
  });
  return rows
    .filter((row) => row.state === 'running' && !row.name.startsWith(`para-${repoId}-`))
    .map((row) => inWords(name, `${row.name}, of another repository,`));
}

function inWords(name: string, where: string): string {
  return `the login ${name} is in ${where} too: when one of them renews it, the other is logged out; a login of its own for each, or a key that stays the same, does not have this`;
}

function isLive({ status, container }: SessionRecord): boolean {
  return status === 'active' && container !== null && (container.wanted ?? 'running') === 'running';
}
