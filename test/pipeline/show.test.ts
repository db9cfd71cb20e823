import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { showRows, type Row } from '../../src/pipeline/show.ts';
import { fakeStream } from '../support/streams.ts';

const row = (title: string, run: Row['run'] = () => Promise.resolve(), skip?: string): Row => ({
  ...{ title, run, skip: () => skip },
});
const fails = (): Promise<void> => Promise.reject(new Error('no'));

async function lines(rows: readonly Row[]): Promise<string> {
  const stream = fakeStream();
  await showRows(rows, 'lines', stream).catch(() => undefined);
  return stream.text();
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('where nobody watches', () => {
  test('a line a step, with its last word', async () => {
    const noting: Row['run'] = (note) => {
      note('half');
      note('all of it');
      return Promise.resolve();
    };
    expect(await lines([row('One'), row('Two', noting)])).toBe('✓ One\n✓ Two: all of it\n');
  });

  test('one that is skipped is not run, and says nothing', async () => {
    expect(await lines([row('One', fails, 'no need'), row('Two')])).toBe('✓ Two\n');
  });

  test('one that fails ends the list', async () => {
    const later = jest.fn<Row['run']>().mockResolvedValue();
    expect(await lines([row('One', fails), row('Two', later)])).toBe('✗ One\n');
    expect(later).not.toHaveBeenCalled();
  });

  test('the error is the step’s own', async () => {
    await expect(showRows([row('One', fails)], 'lines', fakeStream())).rejects.toThrow('no');
  });

  test('a long step tells at most every five seconds how far it is', async () => {
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const pull: Row['run'] = (note) => {
      for (const [at, text] of [
        [1_000, 'a'],
        [5_000, 'b'],
        [5_100, 'c'],
        [9_999, 'd'],
        [10_000, 'e'],
        [10_500, 'f'],
      ] as const) {
        now = at;
        note(text);
      }
      return Promise.resolve();
    };
    expect(await lines([row('Pull', pull)])).toBe('… Pull: b\n… Pull: e\n✓ Pull: f\n');
  });
});

test('silent: the steps run, and nothing is written', async () => {
  const stream = fakeStream();
  const ran: string[] = [];
  const step = (title: string): Row =>
    row(title, (note) => {
      note('x');
      ran.push(title);
      return Promise.resolve();
    });
  await showRows([step('One'), step('Two')], 'silent', stream);
  expect(ran).toEqual(['One', 'Two']);
  expect(stream.text()).toBe('');
  await expect(showRows([row('One', fails)], 'silent', stream)).rejects.toThrow('no');
  expect(stream.text()).toBe('');
});
