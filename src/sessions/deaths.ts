/** Of what containers died, for whoever looks again and again: an engine is asked once for each death. */
import type { ContainerRow } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { oomKilledAmong, wasKilled, type OomKilled } from './limit-hit.ts';

/** What is remembered of deaths. */
export interface Deaths {
  /** Those of an engine's list that died for want of memory; without those that it can not tell of now. */
  oomKilled(service: DockerService, rows: readonly ContainerRow[]): Promise<OomKilled>;
  /** The container of this id lives again. */
  forget(id: string): void;
}

/** Nothing is known yet. */
export function createDeaths(): Deaths {
  /** By the container's id: the memory that it had used up; undefined: it died of something else. */
  const known = new Map<string, number | undefined>();
  return {
    async oomKilled(service, rows) {
      const killed = rows.filter(wasKilled);
      for (const row of rows) if (!wasKilled(row)) known.delete(row.id);
      const news = killed.filter(({ id }) => !known.has(id));
      if (news.length > 0) {
        const told = await oomKilledAmong(service, news).catch(ignoreFailure);
        if (told !== undefined) for (const { id, name } of news) known.set(id, told.get(name));
      }
      return new Map(
        killed.flatMap(({ id, name }) => {
          const bytes = known.get(id);
          return bytes === undefined ? [] : [[name, bytes]];
        }),
      );
    },
    forget: (id) => {
      known.delete(id);
    },
  };
}

/** It is asked again at the next look; what its list said counts all the same. */
function ignoreFailure(error: unknown): undefined {
  if (!(error instanceof ParaError)) throw error;
}
