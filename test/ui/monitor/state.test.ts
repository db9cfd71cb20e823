import { describe, expect, test } from '@jest/globals';
import { graphemes } from '../../../src/ui/cut.ts';
import { press, START, type Key, type ViewState, type Wish } from '../../../src/ui/monitor/state.ts';
import { overviewRow } from '../../support/overview.ts';

const ROWS = [
  overviewRow('a', { container: 'running' }),
  overviewRow('b', { container: 'exited' }),
  overviewRow('c'),
];
type Typed = Exclude<Key['kind'], 'text'> | { readonly text: string };

/** Keys one after the other, until one of them wants something; letters stand for themselves. */
function type(
  keys: readonly Typed[],
  state: ViewState = START,
  rows = ROWS,
): { state: ViewState; wish?: Wish } {
  let done: { state: ViewState; wish?: Wish } = { state };
  for (const key of keys) {
    const all: Key[] =
      typeof key === 'string' ? [{ kind: key }] : graphemes(key.text).map((text) => ({ kind: 'text', text }));
    for (const one of all) done = press(done.state, one, { rows, page: 2, width: 80 });
  }
  return done;
}
const t = (text: string): Typed => ({ text });
const args = (...keys: Typed[]): readonly string[] | undefined => {
  const { wish } = type(keys);
  return wish?.kind === 'run' ? wish.task.args : undefined;
};

describe('selecting', () => {
  test.each([
    [['down'], 'b'],
    [[t('jj')], 'c'],
    [[t('jjjjj')], 'c'],
    [[t('jjk')], 'b'],
    [['end'], 'c'],
    [['end', 'home'], 'a'],
    [[t('Gg')], 'a'],
    [['pagedown'], 'c'],
    [['up'], 'a'],
  ] as [Typed[], string][])('%j', (keys, selected) => {
    expect(type(keys).state.selected).toBe(selected);
  });

  test('when the selected one is gone, what stands in its place is', () => {
    const { state } = type(['down']);
    expect(type(['enter'], state, [ROWS[0]!, ROWS[2]!]).wish).toMatchObject({
      task: { args: ['docker', 'attach', 'c'] },
    });
    expect(type(['enter'], state, []).state.notice).toContain('no session');
  });
});

describe('what can be done', () => {
  test('with the selected session, as commands', () => {
    expect(args('enter')).toEqual(['docker', 'attach', 'a']);
    expect(args(t('l'))).toEqual(['docker', 'logs', 'a', '--follow', '--tail', '200']);
    expect(args(t('els -l'), 'enter')).toEqual(['docker', 'exec', 'a', '--', 'sh', '-c', 'ls -l']);
    expect(args(t('sy'))).toEqual(['docker', 'stop', 'a']);
    expect(args('down', t('s'))).toEqual(['docker', 'start', 'b']);
    expect(args('end', t('sY'))).toEqual(['docker', 'start', 'c']);
    expect(args(t('cy'))).toEqual(['cancel', 'a']);
    expect(args(t('f--force it'), 'enter', t('y'))).toEqual(['finish', '--message=--force it', 'a']);
  });

  test.each([
    ['c', 'Cancel a: archive all its work, remove container, worktree and branch?'],
    ['s', 'Stop the container of a, and all that runs in it?'],
  ])('%s asks, naming what it does; only y is yes', (key, label) => {
    expect(type([t(key)]).state.question).toMatchObject({ kind: 'yes', label });
    for (const no of ['enter', 'escape', t('n'), t('q'), t(' ')] as Typed[]) {
      const { state, wish } = type([t(key), no]);
      expect(wish).toBeUndefined();
      expect(state).toMatchObject({ question: undefined, notice: 'Nothing was done.' });
    }
  });

  test('finish asks for the message, then whether; without one it does nothing', () => {
    expect(type([t('fdone'), 'enter']).state.question).toMatchObject({ kind: 'yes' });
    expect(type([t('f  '), 'enter']).state).toMatchObject({
      question: undefined,
      notice: 'Nothing was done.',
    });
    expect(type([t('fabc'), 'escape']).state.question).toBeUndefined();
  });

  test('what is asked keeps the session, whatever moves meanwhile', () => {
    const { state } = type(['down', t('fdone'), 'enter']);
    const other = [overviewRow('0'), ...ROWS];
    expect(type([t('y')], state, other).wish).toMatchObject({
      task: { args: ['finish', '--message=done', 'b'] },
    });
  });

  test('a line is edited character by character', () => {
    expect(type([t('e日本👩‍👩‍👧'), 'backspace', 'backspace']).state.question).toMatchObject({ text: '日' });
    expect(type([t('e'), 'backspace']).state.question).toMatchObject({ text: '' });
  });
});

describe('the view itself', () => {
  test('a filter counts while it is typed; escape takes it back, later takes it away', () => {
    expect(type([t('/b')]).state.filter).toBe('b');
    expect(type([t('/bx'), 'escape']).state.filter).toBe('');
    const { state } = type([t('/b'), 'enter']);
    expect(state).toMatchObject({ filter: 'b', question: undefined, selected: 'b' });
    expect(type([t('/c'), 'escape'], state).state.filter).toBe('b');
    expect(type(['escape'], state).state.filter).toBe('');
  });

  test('q in a filter is a letter', () => {
    expect(type([t('/q')])).toMatchObject({ state: { filter: 'q' } });
    expect(type([t('/q')]).wish).toBeUndefined();
  });

  test('o goes through the orders, ? shows help and any key leaves it', () => {
    expect(type([t('o')]).state.sort).toBe('state');
    expect(type([t('ooooo')]).state.sort).toBe('name');
    expect(type([t('?')]).state.isHelp).toBe(true);
    expect(type([t('?q')])).toEqual({ state: { ...START, isHelp: false } });
  });

  test.each([
    [[t('q')], { kind: 'quit', interrupted: false }],
    [['interrupt'], { kind: 'quit', interrupted: true }],
    [[t('cabc'), 'interrupt'], { kind: 'quit', interrupted: true }],
    [[t('/'), 'suspend'], { kind: 'suspend' }],
  ] as [Typed[], Wish][])('%j', (keys, wish) => {
    expect(type(keys).wish).toEqual(wish);
  });
});
