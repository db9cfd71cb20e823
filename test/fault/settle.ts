/** Brings everything to its end with the commands that para itself names, as a person would who types them. */
import type { Ended, Inside } from './inside.ts';
import { misbehaved, type Ledger } from './ledger.ts';

export interface Row {
  readonly name: string;
  readonly status: string;
  readonly container: string | null;
  readonly settle: string | null;
}

/** `para list --all`, which changes nothing. */
export async function rowsOf(world: Inside): Promise<readonly Row[]> {
  const listed = await world.para(['list', '--all', '--json']);
  const document = JSON.parse(listed.stdout) as { sessions?: readonly Row[] };
  if (listed.code !== 0 || document.sessions === undefined) throw new Error(listed.stdout);
  if (listed.touched.length > 0) throw new Error(`list wrote ${listed.touched.join(' ')}`);
  return document.sessions;
}

/** `para finish "What was done" s` as a list. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([word]) => word.replaceAll('"', '')).slice(1);
}

const isHalf = ({ status, settle }: Row): boolean =>
  settle !== null && status !== 'archived' && status !== 'branch gone';

const said = (args: readonly string[], { code, stderr }: Ended): string =>
  `para ${args.join(' ')}: ${String(code)} ${stderr}`;

/** Types what `list` names until nothing is half done. @returns what did not go as it should */
async function settle(world: Inside): Promise<readonly string[]> {
  for (let round = 0; round < 8; round += 1) {
    const half = (await rowsOf(world)).filter(isHalf);
    if (half.length === 0) return [];
    // One at a time: each command settles what dead paras have left of the others too.
    for (const row of half.slice(0, 1)) {
      const args = words(row.settle ?? '');
      const ended = await world.para(args);
      const wrong = misbehaved(world, ended);
      if (ended.code !== 0 || wrong.length > 0) return [`${row.status}: ${said(args, ended)}`, ...wrong];
    }
  }
  return [`I5: never settled: ${JSON.stringify((await rowsOf(world)).filter(isHalf))}`];
}

/** Records that can not be read, of sessions of which nothing else is left. */
async function putAside(world: Inside): Promise<readonly string[]> {
  const { stderr } = await world.para(['list', '--all']);
  const wrong: string[] = [];
  for (const [, name = ''] of stderr.matchAll(/to put the record aside: para recover (\S+)/g)) {
    const ended = await world.para(['recover', name]);
    wrong.push(...misbehaved(world, ended));
    if (ended.code !== 0) wrong.push(said(['recover', name], ended));
  }
  return wrong;
}

/**
 * Settles, finishes every session and cleans up: after that the engine is empty, and all work is in the repository.
 * @returns what did not go as it should
 */
export async function end(world: Inside, ledger: Ledger): Promise<readonly string[]> {
  const wrong = [...(await settle(world)), ...(await putAside(world))];
  if (wrong.length > 0) return [...wrong, ...(await ledger.broken())];
  for (const { name, status } of await rowsOf(world)) {
    if (status === 'review' || status === 'archived' || status === 'branch gone') continue;
    wrong.push(...(await isMendedOnce(world, name)));
    const args = ['finish', 'Done', name, '--archive-ignored'];
    let ended = await world.para(args);
    wrong.push(...misbehaved(world, ended));
    // Commits on both sides: that is decided by a person.
    if (ended.code === 10) ended = await world.para(['cancel', name, '--archive-ignored']);
    if (ended.code !== 0) wrong.push(`${status}: ${said(args, ended)}`);
  }
  const cleanup = await world.para(['docker', 'cleanup', '-f']);
  if (cleanup.code !== 0) wrong.push(said(['docker', 'cleanup'], cleanup));
  const engine = [
    ...Object.values(world.engine.containers).map(({ name }) => name),
    ...Object.keys(world.engine.networks),
  ];
  if (engine.length > 0) wrong.push(`I4: left on the engine: ${engine.join(' ')}`);
  return [...wrong, ...(await ledger.broken())];
}

/** I5: a session that is whole is not changed by mending it. */
async function isMendedOnce(world: Inside, name: string): Promise<readonly string[]> {
  const before = world.footprint();
  const args = ['recover', name];
  const ended = await world.para(args);
  // An archive of the name is in the way of that question.
  if (ended.code === 0 || /a session \S+ exists/.test(ended.stderr))
    return world.footprint() === before ? [] : [`I5: recover changed something of ${name}, which was whole`];
  return [said(args, ended)];
}
