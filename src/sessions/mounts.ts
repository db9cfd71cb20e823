/** What the containers of sessions have mounted of the host besides para's own, by their records. */
import type { Engine } from '../docker/driver.ts';
import { asNoted, notedPath, type OwnedMount } from '../docker/mount-paths.ts';
import { notePaths } from '../docker/mounts.ts';
import { mountContextOn, type ContainerWish } from '../docker/spec.ts';
import { ParaError } from '../errors.ts';
import { listRecords, type Places, type SessionRecord } from './store.ts';

type Container = NonNullable<SessionRecord['container']>;

/**
 * That each source leads where it led when the container was made; to be asked before each of its starts, when its engine
 * follows links anew. para's own sources are not asked: nothing inside can write to a directory that holds one.
 * @throws MOUNT_REFUSED for one that leads elsewhere, MOUNT_INVALID for one that is gone
 */
export async function requireMountsUnmoved(
  { made_with: made }: Container,
  { root }: Pick<Places, 'root'>,
  session: string,
): Promise<void> {
  for (const { path } of made?.volumes ?? [])
    if (path !== undefined)
      await notedPath(path, root).catch((error: unknown) => {
        if (!(error instanceof ParaError)) throw error;
        throw error.withHint(
          `${error.hint ?? ''}\nor make the container without it, with all its commits:\npara docker stop ${session} --remove && para docker start ${session}`,
        );
      });
}

/**
 * The wish with where each of its mounts leads now, and what may not be within one of them. `approved`, and all else that
 * decides over a mount, is in it already. @throws MOUNT_INVALID, MOUNT_REFUSED
 */
export async function withNotedMounts(
  wish: ContainerWish,
  engine: Pick<Engine, 'capabilities' | 'endpoint'>,
  places: Places,
): Promise<ContainerWish> {
  const volumes = await notePaths(wish.volumes, mountContextOn(engine, wish));
  const isAlone = volumes.every(({ path }) => path === undefined);
  const others = isAlone ? [] : await mountsOfOthers(places, wish.session);
  return { ...wish, volumes, mountContext: { ...wish.mountContext, others } };
}

async function mountsOfOthers(places: Places, session: string): Promise<readonly OwnedMount[]> {
  const { records } = await listRecords(places);
  const mounts = records
    .filter(({ name }) => name !== session)
    .flatMap(({ name, container }) =>
      (container?.made_with?.volumes ?? []).map((volume) => ({ ...volume, session: name })),
    );
  return Promise.all(
    mounts.flatMap(({ path, readOnly, session: owner }) =>
      path === undefined
        ? []
        : [asNoted(path, places.root).then((source) => ({ source, readOnly, session: owner }))],
    ),
  );
}
