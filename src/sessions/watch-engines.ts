/** Asks engines for their containers again and again: one call each at a time, and none that holds up the others. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import { createDeaths } from './deaths.ts';
import { enginesOf, notShown, rowsIn, unanswered, type Asked } from './list-engines.ts';
import type { SessionRecord } from './store.ts';

/** What asking engines needs of the App. */
export interface EngineContext {
  dockerFor(engine: EngineName): Promise<DockerService>;
}

/** What the engines say, and what has to be said of that. */
export interface Heard {
  readonly asked: readonly Asked[];
  readonly remarks: readonly string[];
}

/** One look at them: the sessions, and what their engines say. */
export interface Round {
  readonly records: readonly SessionRecord[];
  readonly heard: Heard;
}

/** Engines that are asked again and again. */
export interface EngineWatch {
  /** One that takes more than `patienceMs` is asked on, and what it said last is taken. */
  ask(repo: Repository, records: readonly SessionRecord[], patienceMs: number): Promise<Heard>;
  /** The container of this id was started again: of what it dies next is asked anew. */
  restarted(id: string): void;
}

/** Keeps what each engine said last. */
export function watchEngines(context: EngineContext): EngineWatch {
  const services = new Map<EngineName, DockerService>();
  const asking = new Map<EngineName, Promise<void>>();
  const last = new Map<EngineName, Asked>();
  const deaths = createDeaths();
  const askOne = async (
    repo: Repository,
    records: readonly SessionRecord[],
    engine: EngineName,
  ): Promise<void> => {
    try {
      const service = services.get(engine) ?? (await context.dockerFor(engine));
      services.set(engine, service);
      const rows = await rowsIn(service, repo, records);
      const oomKilled = await deaths.oomKilled(service, rows);
      last.set(engine, { engine, rows, stranded: new Set(), oomKilled, error: undefined });
    } catch (error) {
      if (!(error instanceof ParaError)) throw error;
      services.delete(engine);
      last.set(engine, unanswered(engine, error));
    } finally {
      asking.delete(engine);
    }
  };
  return {
    async ask(repo, records, patienceMs) {
      const engines = enginesOf(records);
      for (const engine of engines)
        if (!asking.has(engine)) asking.set(engine, askOne(repo, records, engine));
      await within(patienceMs, Promise.all(asking.values()));
      const heard = engines.map((engine) => hear(engine, last.get(engine), asking.has(engine)));
      return { asked: heard.map(({ said }) => said), remarks: heard.flatMap(({ remark }) => remark) };
    },
    restarted: (id) => {
      deaths.forget(id);
    },
  };
}

/** What it said before is better than nothing, and is not passed off as what it says now. */
function hear(
  engine: EngineName,
  last: Asked | undefined,
  isSilent: boolean,
): { readonly said: Asked; readonly remark: readonly string[] } {
  if (last === undefined) {
    const error = new ParaError('DAEMON_NOT_AVAILABLE', `${engine} has not answered yet`);
    return { said: unanswered(engine, error), remark: [error.message] };
  }
  if (last.error !== undefined) return { said: last, remark: notShown(last) };
  const remark = isSilent ? [`${engine} does not answer; its containers are shown as they were`] : [];
  return { said: last, remark };
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  await Promise.race([work, sleep(ms, undefined, { signal: stop.signal }).catch(() => undefined)]);
  stop.abort();
}
