/**
 * A throw-away bare repository whose config is para's: the sealed directory's object files are copied into it,
 * packs get a fresh index, and only from there does the user's repository fetch.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ParaError } from '../errors.ts';
import type { Repository } from './repository.ts';
import { formatConfig } from './sealed.ts';
import { openRegular, withDirectory } from '../sys/untrusted.ts';

const MAX_BYTES = 4 * 1024 ** 3;
const MAX_FILES = 1_000_000;
const PREFIX = 'quarantine-';
const LOOSE = /^(?:[0-9a-f]{38}|[0-9a-f]{62})$/;
const PACK = /^pack-(?:[0-9a-f]{40}|[0-9a-f]{64})\.pack$/;

/** Makes a quarantine beside `sealedDir`, hands it to `use`, and removes it whatever happens. */
export async function withQuarantine<T>(
  repo: Repository,
  sealedDir: string,
  use: (dir: string) => Promise<T>,
): Promise<T> {
  await sweep(dirname(sealedDir));
  const dir = await mkdtemp(join(dirname(sealedDir), PREFIX));
  try {
    await makeBare(dir, repo.objectFormat);
    await writeFile(join(dir, 'objects/info/alternates'), `${quotedPath(join(repo.commonDir, 'objects'))}\n`);
    await copyObjects(sealedDir, dir);
    await indexPacks(repo, dir);
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** What `git init --bare` makes, as far as git asks for it (gitrepository-layout(5)). */
async function makeBare(dir: string, objectFormat: Repository['objectFormat']): Promise<void> {
  for (const sub of ['objects/info', 'objects/pack', 'refs'])
    await mkdir(join(dir, sub), { recursive: true });
  await writeFile(join(dir, 'HEAD'), 'ref: refs/heads/none\n');
  await writeFile(join(dir, 'config'), formatConfig(objectFormat, true));
}

/** Removes what a killed para left; the caller holds the session's lock, so none is in use. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(PREFIX)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** The alternates file takes C-quoted paths, which a leading quote mark would otherwise be mistaken for. */
function quotedPath(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

async function copyObjects(sealedDir: string, dir: string): Promise<void> {
  const left = { bytes: MAX_BYTES, files: MAX_FILES };
  await withDirectory(join(sealedDir, 'objects'), async (objects) => {
    for (const name of await readdir(objects)) {
      const pattern = name === 'pack' ? PACK : /^[0-9a-f]{2}$/.test(name) ? LOOSE : undefined;
      if (pattern === undefined) continue;
      const target = join(dir, 'objects', name);
      await withDirectory(join(objects, name), (source) => copyMatching({ source, target, pattern }, left));
    }
  });
}

interface CopyJob {
  readonly source: string;
  readonly target: string;
  readonly pattern: RegExp;
}

async function copyMatching(
  { source, target, pattern }: CopyJob,
  left: { bytes: number; files: number },
): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const name of await readdir(source)) {
    if (!pattern.test(name)) continue;
    const handle = await openRegular(join(source, name));
    if (handle === undefined) continue;
    try {
      const { size } = await handle.stat();
      left.bytes -= size;
      left.files -= 1;
      if (left.bytes < 0 || left.files < 0) throw tooLarge();
      // `end` also holds when the file grows while it is read.
      if (size > 0)
        await pipeline(
          handle.createReadStream({ autoClose: false, end: size - 1 }),
          createWriteStream(join(target, name)),
        );
    } finally {
      await handle.close();
    }
  }
}

function tooLarge(): ParaError {
  return new ParaError('GIT_REFUSED', 'the session holds more than 4 GiB of new git objects', {
    hint: 'in the container: git gc --prune=now, or take the files out of the commits',
  });
}

async function indexPacks(repo: Repository, dir: string): Promise<void> {
  for (const name of await readdir(join(dir, 'objects/pack'))) {
    const args = ['index-pack', join(dir, 'objects/pack', name)];
    await repo.git.attempt({ args, place: { gitDir: dir }, timeoutMs: 600_000 });
  }
}
