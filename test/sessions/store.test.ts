import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSessionName } from '../../src/sessions/name.ts';
import { withoutWaiting } from '../../src/sys/lock.ts';
import {
  listRecords,
  loadRecord,
  lockSession,
  placesOf,
  removeRecord,
  saveRecord,
  type Places,
} from '../../src/sessions/store.ts';
import { sessionRecord } from '../support/record.ts';

let root: string;
let places: Places;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'para-store-'));
  places = placesOf(root);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const plant = (session: string, text: string): void => {
  mkdirSync(places.state, { recursive: true });
  writeFileSync(places.record(session), text);
};

test('a record is what was saved, and none where none was', async () => {
  const record = sessionRecord(root, 'one');
  await saveRecord(places, record);
  expect(await loadRecord(places, 'one')).toEqual(record);
  expect(await loadRecord(places, 'two')).toBeUndefined();
  expect(await listRecords(places)).toEqual({ records: [record], broken: [] });
});

test('a repository without sessions has no records', async () => {
  expect(await listRecords(places)).toEqual({ records: [], broken: [] });
});

describe('a file that can not be read as a record', () => {
  const good = sessionRecord('/r', 'bad');
  const texts: Record<string, string> = {
    empty: '',
    cut: JSON.stringify(good).slice(0, 60),
    'of a newer para': JSON.stringify({ ...good, schema: 2 }),
    'with a field that nobody knows': JSON.stringify({ ...good, colour: 'blue' }),
    'without a branch': JSON.stringify({ ...good, branch: undefined }),
    'with a commit that is none': JSON.stringify({ ...good, base: '--upload-pack=x' }),
    'of another session': JSON.stringify({ ...good, name: 'other' }),
    'not an object': '[]',
    'too large': ' '.repeat(300 * 1024),
  };

  test.each(Object.keys(texts))('%s: is named, and hides no other', async (kind) => {
    const fine = sessionRecord(root, 'fine');
    await saveRecord(places, fine);
    plant('bad', texts[kind] ?? '');
    expect(await listRecords(places)).toEqual({ records: [fine], broken: ['bad'] });
    await expect(loadRecord(places, 'bad')).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      exit: 5,
      hint: expect.stringContaining(
        kind === 'of a newer para' ? 'Use the para that wrote it' : `mv ${places.record('bad')}`,
      ),
    });
  });

  test('a link: is not followed', async () => {
    plant('target', JSON.stringify(sessionRecord('/r', 'bad')));
    symlinkSync(places.record('target'), places.record('bad'));
    await expect(loadRecord(places, 'bad')).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
  });

  test('a directory: is named', async () => {
    mkdirSync(places.record('bad'), { recursive: true });
    expect((await listRecords(places)).broken).toEqual(['bad']);
  });
});

describe('the record before', () => {
  test('is used while the file is unreadable, and the next save sets that one aside', async () => {
    const record = sessionRecord(root, 'one', { status: 'starting' });
    await saveRecord(places, record);
    await saveRecord(places, { ...record, status: 'active' });
    writeFileSync(places.record('one'), '{');
    // A start that has a record after it came to its end.
    expect(await loadRecord(places, 'one')).toEqual({ ...record, status: 'active' });
    await saveRecord(places, { ...record, status: 'review' });
    expect(await loadRecord(places, 'one')).toMatchObject({ status: 'review' });
    const [aside = ''] = readdirSync(places.state).filter((name) => name.includes('.corrupt-'));
    expect(readFileSync(join(places.state, aside), 'utf8')).toBe('{');
  });

  test('goes with the session', async () => {
    const record = sessionRecord(root, 'one');
    await saveRecord(places, record);
    await saveRecord(places, record);
    await removeRecord(places, parseSessionName('one'));
    expect(readdirSync(places.state)).toEqual([]);
  });
});

test('a record of a newer para is never written', async () => {
  const text = JSON.stringify({ ...sessionRecord(root, 'one'), schema: 2, more: true });
  plant('one', text);
  await expect(saveRecord(places, sessionRecord(root, 'one'))).rejects.toMatchObject({
    code: 'CONFIG_UNREADABLE',
    message: expect.stringContaining('a newer para wrote it (version 2)'),
  });
  expect(readFileSync(places.record('one'), 'utf8')).toBe(text);
  expect(readdirSync(places.state)).toEqual(['one.state']);
});

test('removing a record takes the container’s host side with it, and bears that nothing is there', async () => {
  const name = parseSessionName('one');
  await saveRecord(places, sessionRecord(root, name));
  mkdirSync(join(places.docker(name), 'out'), { recursive: true });
  await removeRecord(places, name);
  await removeRecord(places, name);
  expect(existsSync(places.record(name))).toBe(false);
  expect(existsSync(places.docker(name))).toBe(false);
});

test('two on one session: the second is told who is at work', async () => {
  await lockSession(places, 'one', 'starts the session', () =>
    withoutWaiting(async () => {
      const second = lockSession(places, 'one', 'finishes', () => Promise.resolve());
      const message = expect.stringContaining('starts the session');
      await expect(second).rejects.toMatchObject({ code: 'BUSY', message });
      await lockSession(places, 'two', 'starts', () => Promise.resolve());
    }),
  );
});

test('a record is private to its user and ends with a newline', async () => {
  await saveRecord(places, sessionRecord(root, 'one'));
  expect(readFileSync(places.record('one'), 'utf8').endsWith('}\n')).toBe(true);
});
