import { discardSteps, fillSteps, planFill, withPool, type FillState } from '../../sessions/warm-pool.ts';
import { listSlots, uselessSlots } from '../../sessions/warm-slots.ts';
import { dropWishes } from '../../sessions/warm-wishes.ts';
import type { Places } from '../../sessions/store.ts';
import type { App } from '../app.ts';
import { containerFlags, LIKENESS_OPTIONS } from '../container-flags.ts';
import { defineCommand } from '../define.ts';

const DO = ['fill', 'drain'] as const;

const { image, env, 'env-file': envFile, volume, cpus, memory, network } = LIKENESS_OPTIONS;
/** The rest is a session's alone. */
const KEPT = { image, env, 'env-file': envFile, volume, cpus, memory, network } as const;
const ALONE = { pin: false, port: [], 'ssh-agent': false, 'allow-domain': [] } as const;

export default defineCommand({
  command: 'pool <do>',
  changes: true,
  describe: 'Keep containers ready for the next starts, or let them go',
  positionals: { do: { choices: DO, describe: 'Make them, or remove them' } },
  options: {
    ...KEPT,
    base: {
      type: 'string',
      requiresArg: true,
      describe: 'Branch or commit whose files they get; a start from another one changes what differs',
      defaultDescription: 'HEAD',
    },
    'dry-run': { type: 'boolean', default: false, describe: 'Say what would be done, and do nothing' },
  },
  examples: [
    [
      '$0 docker pool fill',
      'as many as docker.warm_pool says; the next starts with such a container take them',
    ],
    ['$0 docker pool fill --image node:22 --memory 2g', 'for starts with the same flags'],
    ['$0 docker pool drain', 'what is ready is removed, with its worktrees'],
  ],
  async run(args, app) {
    const dry = args['dry-run'];
    const done = await (args['do'] === 'drain'
      ? drain(app, dry)
      : fill(app, { args: { ...args, ...ALONE }, dry }));
    app.output.answer({ dry_run: dry, ...done }, () => text(done, dry));
    return 0;
  },
});

/** By name; what would be is not made yet and has none. */
interface Done extends FillState {
  /** How many are ready now. */
  readonly ready: number;
  /** How many would be made or removed. */
  readonly would: number;
}

type Likeness = Parameters<typeof containerFlags>[0] & { readonly base: string | undefined };

async function fill(
  app: App,
  { args, dry }: { readonly args: Likeness; readonly dry: boolean },
): Promise<Done> {
  const state: FillState = { made: [], removed: [] };
  const request = { flags: await containerFlags(args, app), base: args.base };
  const plan = await planFill(app, request);
  if (!dry)
    await withPool(plan, 'fills the pool', async () => {
      // Another one may have filled it in the meantime.
      await app.run(fillSteps(app, await planFill(app, request)), state);
    });
  return { ...state, ready: await readyIn(plan.places), would: dry ? plan.missing : 0 };
}

async function drain(app: App, dry: boolean): Promise<Done> {
  const state: FillState = { made: [], removed: [] };
  const [repo, places] = await Promise.all([app.repository(), app.places()]);
  const would = dry ? (await uselessSlots(places, true)).length : 0;
  if (!dry)
    await withPool({ repo, places }, 'empties the pool', async () => {
      await dropWishes(places);
      await app.run(discardSteps(app, { repo, places }, await uselessSlots(places, true)), state);
    });
  return { ...state, ready: await readyIn(places), would };
}

async function readyIn(places: Places): Promise<number> {
  return (await listSlots(places)).filter(({ state }) => state === 'ready').length;
}

function text({ made, removed, ready, would }: Done, dry: boolean): string {
  if (dry) return `Would change ${String(would)}; ${String(ready)} ready now`;
  return `Made ${String(made.length)}, removed ${String(removed.length)}; ${String(ready)} ready`;
}
