/** The `.para/docker.json` of a session: as a commit has it, or as it lies in the worktree, where an agent can write it. */
import { dirname, join } from 'node:path';
import type { DockerFile } from '../config/generated/types.ts';
import { parseSessionDocker } from '../config/load.ts';
import { sha256Of } from '../sys/sha256.ts';
import { MAX_DOCKER_BYTES } from '../config/read.ts';
import type { Repository } from '../git/repository.ts';
import { readCommitted } from '../git/tree.ts';
import { isThere } from '../sys/files.ts';
import { readRegular, withDirectory } from '../sys/untrusted.ts';
import { DOCKER_FILE } from './asking-files.ts';
import type { SessionRecord } from './store.ts';
import type { ApprovalFile } from './trust.ts';

/** What a docker.json says, and what its bytes are known by. */
export interface DockerAsked {
  readonly file: DockerFile;
  readonly sha256: string;
}

/** As the commit has it; undefined when it has none. `names`: what is at its top. @throws CONFIG_INVALID */
export async function committedDockerFile(
  repo: Repository,
  commit: string,
  names?: readonly string[],
): Promise<DockerAsked | undefined> {
  if (names?.includes(dirname(DOCKER_FILE)) === false) return undefined;
  const bytes = await readCommitted(repo, commit, DOCKER_FILE);
  return bytes === undefined ? undefined : parse(bytes);
}

/** As it lies in a worktree. `odd` is anything but a regular file of a sane size: it is not read, nor followed. */
export async function worktreeDockerFile(worktree: string): Promise<Buffer | 'none' | 'odd'> {
  const directory = join(worktree, '.para');
  const bytes = await withDirectory(directory, (path) =>
    readRegular(join(path, 'docker.json'), MAX_DOCKER_BYTES),
  );
  if (bytes !== undefined) return bytes;
  return (await isThere(join(worktree, DOCKER_FILE))) ? 'odd' : 'none';
}

/** Which docker.json a session's new container is made from. */
export interface Chosen {
  readonly asked: DockerAsked | undefined;
  /** The one in the worktree is another one, and nobody approved it: it is not used. */
  readonly isChanged: boolean;
}

/**
 * The one that the session was started from, unless a person has approved what lies in its worktree now: an agent can
 * write there. @throws CONFIG_INVALID
 */
export async function chooseDockerFile(
  repo: Repository,
  record: SessionRecord,
  approvals: readonly ApprovalFile[],
): Promise<Chosen> {
  const [pinned, now] = await Promise.all([
    readCommitted(repo, record.base, DOCKER_FILE),
    worktreeDockerFile(record.worktree_path),
  ]);
  const before = pinned === undefined ? 'none' : sha256Of(pinned);
  const sha256 = typeof now === 'string' ? now : sha256Of(now);
  const isSeen =
    sha256 !== before && approvals.some((one) => one.file === DOCKER_FILE && one.sha256 === sha256);
  const bytes = isSeen && typeof now !== 'string' ? now : pinned;
  return {
    asked: bytes === undefined ? undefined : parse(bytes),
    isChanged: sha256 !== before && !isSeen,
  };
}

/** A word about a docker.json that is not the one which the session's container was made with; undefined when it is. */
export async function changedSinceMade({
  name,
  container,
  worktree_path: worktree,
}: SessionRecord): Promise<string | undefined> {
  const made = container?.made_with?.docker_file;
  if (made === undefined) return undefined;
  const now = await worktreeDockerFile(worktree);
  if ((typeof now === 'string' ? now : sha256Of(now)) === (made ?? 'none')) return undefined;
  return `The ${DOCKER_FILE} of ${name} has changed; its container stays as it was made. To look at it: para docker trust ${name}. To use it then: para docker stop ${name} --remove, and para docker start ${name}`;
}

function parse(bytes: Uint8Array): DockerAsked {
  return { file: parseSessionDocker(DOCKER_FILE, bytes), sha256: sha256Of(bytes) };
}
