/** What kind of box a session's container is, for lists: how far it reaches, how hard it is, and what it was lent. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere } from '../sys/files.ts';
import type { SessionRecord } from './store.ts';
import { givenFile, heldFile } from './vault.ts';

/** A session's container, as it was made; and whether it has its secrets. */
export interface BoxKind {
  readonly network: 'none' | 'restricted' | 'bridge';
  readonly hardening: 'strict' | 'default' | 'off';
  /** It was lent the person's ssh agent. */
  readonly ssh_agent: boolean;
  /** `missing`: it runs without them, as one that was started by hand. Null: it has none, or does not run. */
  readonly secrets: 'given' | 'missing' | null;
}

/** Of a session's container in this state; null without one. Looks at files of para's alone. */
export async function kindOf(
  stateDir: string,
  { container }: Pick<SessionRecord, 'container'>,
  state: string | null,
): Promise<BoxKind | null> {
  if (container === null) return null;
  const { network, restricted, hardening, ssh_agent: agent, made_with: made } = container;
  const hasSecrets = state === 'running' && (made?.secrets ?? []).length > 0;
  return {
    network: network === 'none' ? 'none' : restricted === undefined ? 'bridge' : 'restricted',
    hardening,
    ssh_agent: agent === true,
    secrets: hasSecrets ? await secretsIn(stateDir) : null,
  };
}

/** The container's main process writes `ready` at each start; what is in its memory is gone then. */
async function secretsIn(stateDir: string): Promise<BoxKind['secrets']> {
  if (await isThere(heldFile(stateDir))) return 'missing';
  const [ready, given] = await Promise.all(
    [join(stateDir, 'out', 'ready'), givenFile(stateDir)].map((file) => stat(file).catch(() => undefined)),
  );
  return ready !== undefined && given !== undefined && ready.mtimeMs > given.mtimeMs ? 'missing' : 'given';
}

/** What is not as usual, in few words, what matters most first; '-' for nothing. */
export function kindWords(kind: BoxKind | null): string {
  if (kind === null) return '-';
  const words = [
    ...(kind.secrets === 'missing' ? ['no secrets'] : []),
    ...(kind.ssh_agent ? ['ssh'] : []),
    ...(kind.hardening === 'off' ? ['unhardened'] : []),
    ...(kind.network === 'bridge' ? [] : [kind.network === 'none' ? 'no net' : kind.network]),
    ...(kind.hardening === 'strict' ? ['strict'] : []),
  ];
  return words.join(', ') || '-';
}

/** What mends a container that runs without its secrets; undefined when it has them. */
export function giveSecrets(session: string, kind: BoxKind | null): string | undefined {
  return kind?.secrets === 'missing' ? `para docker start ${session}` : undefined;
}
