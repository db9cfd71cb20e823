/**
 * The table of all attacks. PARA_ATTACK_TABLE=docs/attacks.md writes it there, from a full run (PARA_FAULT_FULL=1), or from
 * several that tried a part each and have noted it in one file (PARA_ATTACK_ATTEMPTS).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { isFull } from '../fault/cases.ts';
import { testEngines } from '../support/engines.ts';
import type { Hardening } from './box.ts';
import { attemptsFile, NOT_ENFORCED, type Attempt, type Where } from './cases.ts';
import { CATALOGUE, GIT_ATTACKS, ON_HOST_ALONE } from './catalogue.ts';

/** A column: where, and for an engine how the container was closed. */
type Place = readonly [on: Where, under?: Hardening];
const PLACES: readonly Place[] = [
  ['host'],
  ...(['docker', 'podman', 'rootless'] as const).flatMap((on): Place[] => [
    [on, 'default'],
    [on, 'strict'],
  ]),
];

/** Tried with strict hardening in a full run alone: it takes long, and hardening can change nothing of it. */
const LONG: ReadonlySet<string> = new Set([
  ...[...GIT_ATTACKS, 'A15', 'A16', 'A17', 'A18', 'A19', 'A20', 'A21', 'A43', 'A44'],
]);

function attempts(): readonly Attempt[] {
  const lines = readFileSync(attemptsFile(), 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Attempt);
}

function triedAt(all: readonly Attempt[], attack: string, [on, under]: Place): readonly Attempt[] {
  return all.filter(
    (one) => one.attack === attack && one.on === on && (under === undefined || one.under === under),
  );
}

/** `12 of 12`, what else there is to say, or nothing. */
function cell(all: readonly Attempt[], attack: string, place: Place): string {
  const tried = triedAt(all, attack, place);
  const enforced = tried.filter(({ outcome }) => outcome !== NOT_ENFORCED);
  const held = enforced.filter(({ outcome }) => outcome === 'held').length;
  return [
    ...(enforced.length > 0 ? [`${String(held)} of ${String(enforced.length)}`] : []),
    ...(enforced.length < tried.length ? [NOT_ENFORCED] : []),
  ].join(', ');
}

function markdown(all: readonly Attempt[]): string {
  const rows = Object.entries(CATALOGUE).map(
    ([id, [tries, blocked]]) =>
      `| ${[id, tries, ...PLACES.map((place) => cell(all, id, place)), blocked].join(' | ')} |`,
  );
  const heads = PLACES.map(([on, under]) => (under === 'strict' ? `${on}, strict` : on));
  return `# Attacks

What a container, or what it leaves behind, tries against the machine; made by \`test/attack\` from the attempts of a full
run. _host_: commands of para against what a container has left, planted without one; what para reads there is the same
whatever engine has written it. On an engine they are made in a real container, with default hardening and with strict.
_${NOT_ENFORCED}_: a rootless engine on cgroup v1 holds a container to no limit, which para says at each start.

| | tries | ${heads.join(' | ')} | blocked by |
| --- | --- | ${heads.map(() => '---').join(' | ')} | --- |
${rows.join('\n')}
`;
}

test('each attack was tried wherever it can be, and has held', () => {
  const all = attempts();
  expect(all.filter(({ outcome }) => outcome === 'through')).toEqual([]);
  expect([...new Set(all.map((one) => one.attack))].filter((id) => CATALOGUE[id] === undefined)).toEqual([]);
  const missing = (place: Place, ids: readonly string[]): readonly string[] =>
    ids.filter((id) => triedAt(all, id, place).length === 0).map((id) => [id, ...place].join(' '));
  const inside = Object.keys(CATALOGUE).filter((id) => !ON_HOST_ALONE.has(id));
  expect(inside).toHaveLength(38);
  expect([
    ...missing(['host'], [...ON_HOST_ALONE, ...GIT_ATTACKS]),
    ...testEngines().flatMap(({ id }) => [
      ...missing([id, 'default'], inside),
      ...missing([id, 'strict'], isFull ? inside : inside.filter((id) => !LONG.has(id))),
    ]),
  ]).toEqual([]);
  const file = process.env['PARA_ATTACK_TABLE'] ?? '';
  if (file === '') return;
  expect(isFull).toBe(true);
  writeFileSync(file, markdown(all));
});
