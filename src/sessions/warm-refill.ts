/** Makes ready again what starts have taken, for who watches a repository. */
import { ParaError } from '../errors.ts';
import type { Step } from '../pipeline/step.ts';
import { fillSteps, planFill, withPool, type FillContext, type FillState } from './warm-pool.ts';
import { missingWish } from './warm-wishes.ts';

/** Milliseconds after a refilling that could not be: what stands in its way costs engine calls to find out. */
const REST_MS = 60_000;

/**
 * Makes one ready where fewer are than `docker.warm_pool` wants, of what was asked for since the last draining. Never while
 * another para holds a lock of the repository; and no image is fetched for it.
 * @returns a look, to be waited for before the next
 */
export function refillPool(
  context: FillContext & { now(): Date },
  run: (steps: readonly Step<FillState>[], state: FillState) => Promise<void>,
): () => Promise<void> {
  let notBefore = -Infinity;
  return async () => {
    if (context.now().getTime() < notBefore) return;
    try {
      if (await refillOne(context, run)) return;
    } catch (error) {
      // Whoever fills by hand is told.
      if (!(error instanceof ParaError) || error.code === 'INTERRUPTED') throw error;
    }
    notBefore = context.now().getTime() + REST_MS;
  };
}

/** @returns false when one is missing, and can not be made now */
async function refillOne(context: FillContext, run: Parameters<typeof refillPool>[1]): Promise<boolean> {
  const [places, { own }] = await Promise.all([context.places(), context.config()]);
  const wish = await missingWish(places, own.docker.warm_pool);
  if (wish === undefined) return true;
  const plan = await planFill(context, wish);
  const { service, wish: asked } = plan.container;
  if (plan.missing === 0 || !(await service.imageExists(asked.image))) return false;
  await withPool(plan, 'fills the pool', async () => {
    const now = await planFill(context, wish);
    await run(fillSteps(context, { ...now, missing: Math.min(1, now.missing) }), { made: [], removed: [] });
  });
  return true;
}
