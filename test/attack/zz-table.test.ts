/** The table of all attacks of this run. PARA_ATTACK_TABLE=docs/attacks.md writes it there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { testEngines } from '../support/engines.ts';
import { attemptsFile, type Attempt, type Where } from './cases.ts';
import { CATALOGUE } from './catalogue.ts';

const PLACES: readonly Where[] = ['host', 'docker', 'podman', 'rootless'];

function attempts(): readonly Attempt[] {
  const lines = readFileSync(attemptsFile(), 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Attempt);
}

/** `12 of 12`, or nothing. */
function held(all: readonly Attempt[], attack: string, on: Where): string {
  const tried = all.filter((one) => one.attack === attack && one.on === on);
  return tried.length === 0
    ? ''
    : `${String(tried.filter((one) => one.held).length)} of ${String(tried.length)}`;
}

function markdown(all: readonly Attempt[]): string {
  const rows = Object.entries(CATALOGUE).map(
    ([id, [tries, blocked]]) =>
      `| ${[id, tries, ...PLACES.map((on) => held(all, id, on)), blocked].join(' | ')} |`,
  );
  return `# Attacks

What a container, or what it leaves behind, tries against the machine; made by \`test/attack\` from the attempts of one run.
_host_: what para reads there is the same whatever engine has written it; the attempts are commands of para. On an engine
they are made in a real container, once for each hardening where that can matter.

| | tries | ${PLACES.join(' | ')} | blocked by |
| --- | --- | ${PLACES.map(() => '---').join(' | ')} | --- |
${rows.join('\n')}
`;
}

test('each attack was tried, and has held wherever it was', () => {
  const all = attempts();
  expect(all.filter((one) => !one.held)).toEqual([]);
  const numbers = Array.from({ length: 44 }, (_, n) => `A${String(n + 1).padStart(2, '0')}`);
  const tried = new Set(all.map((one) => one.attack));
  expect(numbers.filter((id) => !tried.has(id))).toEqual([]);
  expect([...tried].filter((id) => CATALOGUE[id] === undefined)).toEqual([]);
  for (const { id } of testEngines()) expect(all.filter((one) => one.on === id).length).toBeGreaterThan(15);
  const file = process.env['PARA_ATTACK_TABLE'] ?? '';
  if (file !== '') writeFileSync(file, markdown(all));
});
