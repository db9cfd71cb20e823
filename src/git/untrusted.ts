/** Reads the refs of a sealed git directory as from an enemy: every size and count has a cap. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegular, withDirectory } from '../sys/untrusted.ts';

const MAX_REFS = 2_000;
const MAX_DEPTH = 12;

/** The refs that matter of a sealed directory: full name → object id. `head` is a ref name or an id. */
export interface SealedRefs {
  readonly head: string | undefined;
  readonly refs: ReadonlyMap<string, string>;
}

async function readSmall(path: string, cap: number): Promise<string | undefined> {
  return (await readRegular(path, cap))?.toString('utf8');
}

const NAME_PART = /^(?!\.)(?!.*\.\.)(?!.*\.lock$)(?!.*@\{)[^\p{C}\s~^:?*[\\]{1,200}(?<![./])$/u;

/** A ref name that para is willing to repeat: git's rules, and no control or format characters. */
export function isSafeRefName(name: string): boolean {
  const parts = name.split('/');
  return (
    Buffer.byteLength(name) <= 200 &&
    parts.length <= MAX_DEPTH &&
    parts.every((part) => NAME_PART.test(part) && !part.startsWith('-'))
  );
}

/** Reads HEAD, heads, tags and the stash of a sealed directory. */
export async function readSealedRefs(dir: string, oidLength: number): Promise<SealedRefs> {
  const refs = new Map<string, string>();
  const oid = new RegExp(`^[0-9a-f]{${String(oidLength)}}$`);
  const take = (name: string, text: string | undefined): void => {
    const id = text?.trim() ?? '';
    if (oid.test(id) && wanted(name)) refs.set(name, id);
  };
  for (const line of ((await readSmall(join(dir, 'packed-refs'), 64 << 20)) ?? '').split('\n')) {
    const [id, name = ''] = line.split(' ');
    take(name, id);
  }
  await withDirectory(join(dir, 'refs'), async (root) => {
    take('refs/stash', await readSmall(join(root, 'stash'), 200));
    for (const kind of ['heads', 'tags'])
      await walkRefs(join(root, kind), `refs/${kind}`, { take, left: { count: MAX_REFS } });
  });
  const head = (await readSmall(join(dir, 'HEAD'), 1_000))?.trim() ?? '';
  const target = /^ref: (refs\/heads\/.+)$/.exec(head)?.[1];
  if (target !== undefined && isSafeRefName(target)) return { head: target, refs };
  return { head: oid.test(head) ? head : undefined, refs };
}

function wanted(name: string): boolean {
  return (
    (name.startsWith('refs/heads/') || name.startsWith('refs/tags/') || name === 'refs/stash') &&
    isSafeRefName(name)
  );
}

interface RefWalk {
  readonly take: (name: string, text: string | undefined) => void;
  readonly left: { count: number };
}

async function walkRefs(path: string, prefix: string, walk: RefWalk): Promise<void> {
  if (prefix.split('/').length > MAX_DEPTH) return;
  await withDirectory(path, async (here) => {
    for (const entry of await readdir(here, { withFileTypes: true })) {
      walk.left.count -= 1;
      if (walk.left.count < 0) return;
      if (entry.isDirectory()) await walkRefs(join(here, entry.name), `${prefix}/${entry.name}`, walk);
      if (entry.isFile()) walk.take(`${prefix}/${entry.name}`, await readSmall(join(here, entry.name), 200));
    }
  });
}
