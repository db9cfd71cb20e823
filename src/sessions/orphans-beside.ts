/** What restricted sessions have left on an engine besides their containers: proxies, and the images they are made of. */
import type { ContainerInfo } from '../docker/driver.ts';
import { PROXY_IMAGE_LABELS, proxyImage } from '../docker/proxy-image.ts';
import type { DockerService } from '../docker/service.ts';
import type { Repository } from '../git/repository.ts';
import { proxyName } from './proxy-spec.ts';
import { isSlotId } from './warm-links.ts';
import { isSessionBusy, listRecords, type Places } from './store.ts';

/** What stands beside a session's own container: its proxy, and what tries its network. */
const BESIDE: ReadonlySet<string | undefined> = new Set(['proxy', 'check']);

/** Something that can go. */
interface Left {
  readonly name: string;
  readonly session: string | null;
  readonly why: string;
}

/** What of it is beside nobody: its container is none of a session's, or goes itself. There is no work in them. */
export async function besideNobody(
  all: readonly ContainerInfo[],
  { repo, places }: { readonly repo: Repository; readonly places: Places },
  { keptSessions, goneRepos }: Staying,
): Promise<readonly Left[]> {
  const { records, broken } = await listRecords(places);
  const owned = new Set(
    records.flatMap(({ container }) => (container?.restricted === undefined ? [] : [proxyName(container)])),
  );
  const stays = async (name: string, session: string | null): Promise<boolean> =>
    owned.has(name) ||
    keptSessions.has(session) ||
    (session !== null && (broken.includes(session) || (await isSessionBusy(places, session))));
  const left: Left[] = [];
  for (const container of all) {
    const { name, labels } = container;
    if (!BESIDE.has(labels['para.role'])) continue;
    const session = sessionOf(container);
    const id = labels['para.repo'] ?? '';
    if (id !== repo.id && goneRepos.has(id)) left.push({ name, session, why: 'its repository is gone' });
    if (id === repo.id && !(await stays(name, session)))
      left.push({ name, session, why: 'no session has it' });
  }
  return left;
}

interface Staying {
  /** Whose containers stay. */
  readonly keptSessions: ReadonlySet<string | null>;
  readonly goneRepos: ReadonlySet<string>;
}

/**
 * Images that para made for proxies, when no proxy of whatever repository is of them but those that go. The one of the node
 * that para runs on now stays: the next restricted start takes it.
 */
export async function unusedImages(
  service: DockerService,
  going: readonly { readonly name: string }[],
): Promise<readonly Pick<Left, 'name' | 'why'>[]> {
  const current = await proxyImage().catch(() => undefined);
  const images = (await service.images(PROXY_IMAGE_LABELS)).filter((name) => name !== current?.image);
  if (images.length === 0) return [];
  const proxies = await service.list({ 'para.role': 'proxy' });
  const gone = new Set(going.map(({ name }) => name));
  const used = new Set(proxies.filter(({ name }) => !gone.has(name)).map(({ image }) => image));
  return images.filter((name) => !used.has(name)).map((name) => ({ name, why: 'no proxy is made of it' }));
}

/** The session that a container's labels name. */
export function sessionOf({ labels, name }: Pick<ContainerInfo, 'labels' | 'name'>): string | null {
  const told = labels['para.session'] ?? '';
  // What was kept ready has the name that it had then.
  const session = isSlotId(told) ? name.replace(/^para-[0-9a-f]{8}-/, '') : told;
  // Labels are what an image can hold too.
  return /^[a-z0-9](?:-?[a-z0-9]){0,39}$/.test(session) ? session : null;
}
