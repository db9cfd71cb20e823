import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sessionOf } from '../../src/sessions/orphans-beside.ts';
import { placesOf, removeContainerFiles, type Places } from '../../src/sessions/store.ts';
import { isSlotId, newSlotId, slotDir, slotLinks, slotOf, turnLink } from '../../src/sessions/warm-links.ts';
import {
  hasSlots,
  listSlots,
  lockPool,
  saveSlot,
  takeSlot,
  uselessSlots,
} from '../../src/sessions/warm-slots.ts';

let root: string;
let places: Places;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'para-warm-'));
  places = placesOf(root);
});
afterEach(() => rmSync(root, { recursive: true }));

const slot = (id: string): Parameters<typeof saveSlot>[1] => ({
  ...{ id, engine: 'docker', kind: 'k', image: 'sha256:1', base: 'b' },
});
/** A session's record that says it has it. */
function owned(session: string, warm: string): void {
  const container = {
    name: `para-00000000-${session}`,
    engine: 'docker',
    binary: '/d',
    endpoint: 'local',
    warm,
  };
  const rest = { image: 'i', image_source: '--image', network: 'none', hardening: 'default', git: 'sealed' };
  const record = {
    ...{ schema: 1, uuid: 'u', name: session, branch: `para/${session}`, base: '0'.repeat(40) },
    ...{ base_ref: 'main', worktree_path: places.worktree(session), created_at: '2026-01-01T00:00:00Z' },
    ...{ status: 'active', operation: null, container: { ...container, ...rest } },
  };
  writeFileSync(places.record(session), JSON.stringify(record));
}

test('no session can have the name of one', () => {
  const id = newSlotId();
  expect(isSlotId(id)).toBe(true);
  const labels = { 'para.session': id };
  expect(sessionOf({ labels, name: `para-00000000-${id}` })).toBeNull();
  expect(sessionOf({ labels, name: 'para-00000000-fix' })).toBe('fix');
});

test('of fifty who try to take it, one gets it', async () => {
  const id = newSlotId();
  await saveSlot(places, slot(id), 'making');
  expect(await listSlots(places)).toMatchObject([{ id, state: 'making' }]);
  expect(await takeSlot(places, id)).toBe(false);
  await saveSlot(places, slot(id), 'ready');
  const took = await Promise.all(Array.from({ length: 50 }, () => takeSlot(places, id)));
  expect(took.filter(Boolean)).toHaveLength(1);
  expect(await listSlots(places)).toMatchObject([{ id, state: 'taken' }]);
});

test('useless is what nobody makes and no session has', async () => {
  const [making, ready, lost, mine] = ['1', '2', '3', '4'].map((digit) => `warm--${digit.repeat(8)}`) as [
    string,
    string,
    string,
    string,
  ];
  await saveSlot(places, slot(making), 'making');
  for (const id of [ready, lost, mine]) await saveSlot(places, slot(id), 'ready');
  for (const id of [lost, mine]) await takeSlot(places, id);
  owned('fix', mine);
  const useless = async (off: boolean): Promise<readonly string[]> =>
    (await uselessSlots(places, off)).map(({ id }) => id);
  expect(await useless(false)).toEqual([making, lost]);
  expect(await useless(true)).toEqual([making, ready, lost]);
  // Whoever holds the lock makes none itself while it looks.
  await lockPool(places, 'looks', async () => {
    expect(await useless(false)).toEqual([making, lost]);
  });
  // A record that can not be read may be the one that has it.
  writeFileSync(places.record('torn'), '{');
  expect(await useless(false)).toEqual([making]);
  expect(await hasSlots(places)).toBe(true);
});

test('one whose links lead to what a session has is that session’s, with its record or without', async () => {
  const id = newSlotId();
  await saveSlot(places, slot(id), 'ready');
  await takeSlot(places, id);
  await turnLink(slotLinks(places.state, id).box, places.docker('fix'));
  expect(await uselessSlots(places, true)).toMatchObject([{ id }]);
  expect(await slotOf(places.state, 'fix')).toBeUndefined();
  mkdirSync(places.docker('fix'), { recursive: true });
  expect(await uselessSlots(places, true)).toEqual([]);
  expect(await slotOf(places.state, 'fix')).toBe(id);
  expect(await slotOf(places.state, 'other')).toBeUndefined();
});

test('its links are turned at once, and go with the container of the session', async () => {
  const id = newSlotId();
  await saveSlot(places, slot(id), 'ready');
  const { box } = slotLinks(places.state, id);
  await turnLink(box, join(slotDir(places.state, id), 'empty'));
  expect(readlinkSync(box)).toBe('empty');
  await turnLink(box, places.docker('fix'));
  expect(readlinkSync(box)).toBe('../../docker/fix');
  await removeContainerFiles(places, 'other');
  expect(existsSync(dirname(box))).toBe(true);
  await removeContainerFiles(places, 'fix');
  expect(existsSync(dirname(box))).toBe(false);
});

test('behind a link that came with the repository nothing is looked for, made or removed', async () => {
  const outside = join(root, 'outside');
  const id = newSlotId();
  mkdirSync(join(outside, id), { recursive: true });
  mkdirSync(places.state, { recursive: true });
  symlinkSync(places.docker('fix'), join(outside, id, 'box'));
  symlinkSync(outside, join(places.state, 'warm'));
  expect(await listSlots(places)).toEqual([]);
  await expect(saveSlot(places, slot(id), 'making')).rejects.toMatchObject({ code: 'REFUSED' });
  await removeContainerFiles(places, 'fix');
  expect(existsSync(join(outside, id))).toBe(true);
});
