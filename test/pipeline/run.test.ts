import { describe, expect, test } from '@jest/globals';
import { ParaError } from '../../src/errors.ts';
import { runSteps } from '../../src/pipeline/run.ts';
import type { Progress, Step } from '../../src/pipeline/step.ts';
import { createCancellation, type Cancellation } from '../../src/sys/cancel.ts';
import { fakeStream, type FakeStream } from '../support/streams.ts';

interface State {
  readonly log: string[];
}

function step(name: string, more: Partial<Step<State>> = {}): Step<State> {
  return {
    title: `Making ${name}`,
    run: (state) => {
      state.log.push(name);
      return Promise.resolve();
    },
    undo: (state) => {
      state.log.push(`undo ${name}`);
      return Promise.resolve();
    },
    ...more,
  };
}

const failing = (name: string, more: Partial<Step<State>> = {}): Step<State> =>
  step(name, {
    run: (state) => {
      state.log.push(name);
      return Promise.reject(new ParaError('PORT_IN_USE', `${name} failed`));
    },
    ...more,
  });

interface Ran {
  readonly log: readonly string[];
  readonly error: unknown;
  readonly stream: FakeStream;
}

async function run(
  steps: readonly Step<State>[],
  how: { progress?: Progress; cancellation?: Cancellation; undoMs?: number } = {},
): Promise<Ran> {
  const log: string[] = [];
  const stream = fakeStream();
  const { progress = 'silent', cancellation = createCancellation(), undoMs = 1_000 } = how;
  const error: unknown = await runSteps(steps, { log }, { progress, cancellation, undoMs, stream }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { log, error, stream };
}

describe.each<Progress>(['silent', 'lines'])('shown as %s', (progress) => {
  test('runs in order, and undoes nothing when all is well', async () => {
    const { log, error } = await run([step('a'), step('b'), step('c')], { progress });
    expect(error).toBeUndefined();
    expect(log).toEqual(['a', 'b', 'c']);
  });

  test('undoes the entered steps in reverse, the failing one first, and throws its error', async () => {
    const { log, error } = await run([step('a'), step('b'), failing('c'), step('d')], { progress });
    expect(log).toEqual(['a', 'b', 'c', 'undo c', 'undo b', 'undo a']);
    expect(error).toMatchObject({ code: 'PORT_IN_USE', message: 'c failed' });
  });

  test('a skipped step neither runs nor is undone', async () => {
    const skipped = step('b', { skip: () => 'not needed' });
    const { log } = await run([step('a'), skipped, failing('c')], { progress });
    expect(log).toEqual(['a', 'c', 'undo c', 'undo a']);
  });

  test('a step without an undo is left out', async () => {
    const bare = step('b');
    delete bare.undo;
    const { log } = await run([step('a'), bare, failing('c')], { progress });
    expect(log).toEqual(['a', 'b', 'c', 'undo c', 'undo a']);
  });

  test('one undo that fails does not keep the others from running, and what is left is named', async () => {
    const stuck = step('b', {
      undo: () => Promise.reject(new Error('stuck')),
      leftover: () => 'docker rm -f b',
    });
    const nameless = step('c', { undo: () => Promise.reject(new Error('away')) });
    const { log, error } = await run([step('a'), stuck, nameless, failing('d')], { progress });
    expect(log).toEqual(['a', 'b', 'c', 'd', 'undo d', 'undo a']);
    expect(error).toMatchObject({
      code: 'UNDO_INCOMPLETE',
      message: 'd failed; not everything could be undone',
      hint: 'Making c: away\ndocker rm -f b',
      details: { left: ['Making c: away', 'docker rm -f b'] },
      cause: { code: 'PORT_IN_USE' },
    });
  });
});

describe('interruption', () => {
  test('during a step undoes everything entered, and is the error whatever the step said', async () => {
    const cancellation = createCancellation();
    const interrupted = failing('b', {
      run: (state) => {
        state.log.push('b');
        cancellation.request(2);
        return Promise.reject(new Error('the child was killed'));
      },
    });
    const { log, error } = await run([step('a'), interrupted, step('c')], { cancellation });
    expect(log).toEqual(['a', 'b', 'undo b', 'undo a']);
    expect(error).toMatchObject({ code: 'INTERRUPTED', exit: 130 });
  });

  test('counts even when the step itself came to its end', async () => {
    const cancellation = createCancellation();
    const last = step('b', {
      run: (state) => {
        state.log.push('b');
        cancellation.request(15);
        return Promise.resolve();
      },
    });
    const { log, error } = await run([step('a'), last], { cancellation });
    expect(log).toEqual(['a', 'b', 'undo b', 'undo a']);
    expect(error).toMatchObject({ code: 'INTERRUPTED' });
  });

  test('before the first step leaves nothing to undo', async () => {
    const cancellation = createCancellation();
    cancellation.request(2);
    const { log, error } = await run([step('a')], { cancellation });
    expect(log).toEqual([]);
    expect(error).toMatchObject({ code: 'INTERRUPTED' });
  });

  test('undo works under a signal of its own, with its own deadline', async () => {
    const cancellation = createCancellation();
    const seen: AbortSignal[] = [];
    const watching = (name: string): Step<State> =>
      step(name, {
        undo: () => {
          seen.push(cancellation.current());
          return Promise.resolve();
        },
      });
    const interrupt = failing('c', {
      run: () => {
        cancellation.request(2);
        return Promise.resolve();
      },
    });
    await run([watching('a'), watching('b'), interrupt], { cancellation, undoMs: 200 });
    expect(seen).toHaveLength(2);
    expect(seen[0]).not.toBe(seen[1]);
    expect(seen.map((signal) => signal.aborted)).toEqual([false, false]);
    expect(cancellation.current().aborted).toBe(true);
  });

  test('an undo that hangs on its signal ends at the deadline and is named', async () => {
    const cancellation = createCancellation();
    const hanging = failing('a', {
      undo: () =>
        new Promise((_, reject) => {
          const signal = cancellation.current();
          // Keeps the loop alive: a deadline of AbortSignal.timeout alone does not.
          const timer = setInterval(() => undefined, 1_000);
          signal.addEventListener('abort', () => {
            clearInterval(timer);
            reject(new Error('took too long'));
          });
        }),
      leftover: () => 'rm a',
    });
    const { error } = await run([hanging], { cancellation, undoMs: 100 });
    expect(error).toMatchObject({ code: 'UNDO_INCOMPLETE', hint: 'rm a' });
  });
});

describe('what is shown', () => {
  test('nothing at all when silent', async () => {
    expect((await run([step('a'), failing('b')])).stream.text()).toBe('');
  });

  test('a line for each step, its note and its undo, on the stream alone', async () => {
    const noting = step('a', {
      run: (_state, note) => {
        note('half way');
        return Promise.resolve();
      },
    });
    const skipped = step('b', { skip: () => 'not needed' });
    const { stream } = await run([noting, skipped, failing('c')], { progress: 'lines' });
    const text = stream.text();
    for (const words of ['Making a', 'half way', 'Making c', 'Undo: making c', 'Undo: making a'])
      expect(text).toContain(words);
    expect(text.indexOf('Undo: making c')).toBeLessThan(text.indexOf('Undo: making a'));
    expect(text).not.toContain('Making b');
    expect(text).not.toContain('Undo: making b');
  });
});
