/** Fresh repositories on one real engine, to be struck there. */
import type { TestEngine } from '../support/engines.ts';
import { makeWorld, repoId, words, type World } from '../support/para.ts';
import { paraHere } from './para-here.ts';
import { placeIn, type Place } from './world.ts';

export interface EnginePlaces {
  readonly world: World;
  /** A repository without sessions. */
  fresh(): Promise<Place>;
  /** What a case has left on the engine goes. */
  clear(place: Place): Promise<void>;
}

/** The engine is asked what it can do once, for all of them. */
export function enginePlaces(engine: TestEngine): EnginePlaces {
  const world = makeWorld(engine);
  let made = 0;
  return {
    world,
    fresh: async () => {
      made += 1;
      const repo = await world.repo(`repo-${String(made)}`);
      const filter = ['--filter', `label=para.repo=${repoId(repo)}`];
      const names = async (key: string, ...args: string[]): Promise<string[]> =>
        words(await world.engine(...args, ...filter, '--format', key));
      return placeIn(world, repo, {
        env: {},
        // Another user's engine is reached by a process of that user.
        here: (args) =>
          engine.prefix.length === 0 ? paraHere(repo, args, world.env) : world.para(repo, args),
        containers: () => names('{{.Names}}', 'ps', '-a'),
        networks: () => names('{{.Name}}', 'network', 'ls'),
        engine: (...args) => world.engine(...args),
      });
    },
    clear: async (place) => {
      for (const name of await place.containers()) await world.engine('rm', '-f', name);
      for (const name of await place.networks()) await world.engine('network', 'rm', name);
    },
  };
}
