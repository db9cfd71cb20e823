/** What of the host a container may see. Sources are expanded, resolved and checked before anything is made. */
import { lstat, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, normalize } from 'node:path';
import { ParaError } from '../errors.ts';
import { deniedBecause } from './denied-mounts.ts';
import type { Mount } from './driver.ts';
import { isWithin, real } from './host-path.ts';
import { noted, notedPath, type OwnedMount } from './mount-paths.ts';

/** Who asks for a mount: a person (flag, user config) or a file in the repository, which an agent may have written. */
export type MountOrigin = 'person' | 'repository';

/** A mount as it was asked for. */
export interface MountRequest {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly origin: MountOrigin;
  /** Where it led when it was decided, links resolved, `$REPO` for the repository: it must not lead elsewhere since. */
  readonly path?: string;
}

/** What sources are resolved against. All paths absolute. */
export interface MountContext {
  readonly worktree: string;
  readonly repo: string;
  readonly home: string;
  /** Host directories that a repository file may mount (`docker.allowed_mounts`). */
  readonly allowed: readonly string[];
  /** Further paths, links resolved, that a person has approved (sessions/trust.ts). */
  readonly approved?: readonly string[];
  /** The engine in use, as DOCKER_HOST has it: its socket may be anywhere. */
  readonly endpoint?: string | undefined;
  /** Where that engine keeps its images and containers. */
  readonly storage?: string;
  /** What containers of other sessions of the repository have mounted. */
  readonly others?: readonly OwnedMount[];
}

const DENIED_TARGETS = ['/proc', '/sys', '/dev', '/run/para', '/para', '/workspace'];
const WORKSPACE = '/workspace';

/** Parses `SRC:DST[:ro]` of --volume. @throws USAGE */
export function parseVolume(text: string): MountRequest {
  const parts = text.split(':');
  const readOnly = parts.at(-1) === 'ro';
  if (readOnly || parts.at(-1) === 'rw') parts.pop();
  const target = parts.pop() ?? '';
  const source = parts.join(':');
  if (source === '' || !isAbsolute(target)) {
    throw new ParaError('USAGE', `--volume ${JSON.stringify(text)} is not SOURCE:TARGET[:ro]`, {
      hint: "--volume '$HOME/.cache/npm:/cache:ro'",
    });
  }
  return { source, target, readOnly, origin: 'person' };
}

/** A checked mount. @throws MOUNT_INVALID, MOUNT_REFUSED */
export async function resolveMount(request: MountRequest, context: MountContext): Promise<Mount> {
  const target = checkTarget(request.target);
  const source = await resolveSource(request, context);
  if (source === context.worktree) checkWorktree(target);
  else await checkSource(source, request, context);
  return { source, target, readOnly: request.readOnly };
}

/**
 * The mount as it would be made, when it needs a person's word: undefined for one that the repository may have anyway.
 * @throws MOUNT_INVALID, MOUNT_REFUSED for what nobody gets
 */
export async function beyondAllowed(
  request: MountRequest,
  context: MountContext,
): Promise<Mount | undefined> {
  const mount = await resolveMount({ ...request, origin: 'person' }, context);
  const isAllowed = mount.source === context.worktree || (await isInAllowed(mount.source, context));
  return isAllowed ? undefined : mount;
}

/** At a second place the worktree's `.git` would be open to what runs inside; at its own it is overlaid. */
function checkWorktree(target: string): void {
  if (target === WORKSPACE) return;
  throw new ParaError('MOUNT_REFUSED', `the worktree is mounted at ${WORKSPACE}, not at ${target} too`, {
    hint: `Use ${WORKSPACE} inside, or a link to it.`,
  });
}

/**
 * The same mounts, with where each leads now: from here on none may lead elsewhere. The worktree's own place is para's.
 * @throws MOUNT_INVALID, MOUNT_REFUSED
 */
export async function notePaths(
  requests: readonly MountRequest[],
  context: MountContext,
): Promise<readonly MountRequest[]> {
  const repo = await real(context.repo);
  return Promise.all(
    requests.map(async (request) => {
      const { source } = await resolveMount(request, context);
      return source === context.worktree ? request : { ...request, path: noted(source, repo) };
    }),
  );
}

async function resolveSource(request: MountRequest, context: MountContext): Promise<string> {
  if (request.path !== undefined) return notedPath(request.path, context.repo);
  const expanded = expand(request.source, context);
  // The worktree may not exist yet: its place is para's own.
  if (expanded === context.worktree) return expanded;
  // What runs inside could put a link in its place, which the engine would follow at the next start.
  if (isWithin(expanded, context.worktree))
    throw new ParaError('MOUNT_REFUSED', `${expanded} is in the worktree, which is at ${WORKSPACE} already`, {
      hint: `Use ${WORKSPACE}${expanded.slice(context.worktree.length)} inside.`,
    });
  try {
    return await realpath(expanded);
  } catch {
    throw new ParaError('MOUNT_INVALID', `the mount source ${expanded} does not exist`, {
      hint: `mkdir -p '${expanded}'`,
    });
  }
}

/** Expands `~`, $HOME, $WORKTREE and $REPO; anything else with a dollar sign is an error (§4 Paths). */
function expand(source: string, context: MountContext): string {
  const values: Readonly<Record<string, string>> = {
    HOME: context.home,
    WORKTREE: context.worktree,
    REPO: context.repo,
  };
  const tilde = source === '~' || source.startsWith('~/') ? `${context.home}${source.slice(1)}` : source;
  const text = tilde.replace(/\$(?:\{(\w+)\}|(\w+)|)/g, (whole, braced?: string, bare?: string) => {
    const value = values[braced ?? bare ?? ''];
    if (value === undefined) {
      throw new ParaError(
        'MOUNT_INVALID',
        `unknown variable ${whole} in the mount source ${JSON.stringify(source)}`,
        { hint: 'Known are $WORKTREE, $REPO, $HOME and ~.' },
      );
    }
    return value;
  });
  if (!isAbsolute(text)) {
    throw new ParaError(
      'MOUNT_INVALID',
      `the mount source ${JSON.stringify(source)} is not an absolute path`,
      { hint: `$WORKTREE/${source}` },
    );
  }
  return normalize(text).replace(/(.)\/$/, '$1');
}

function checkTarget(target: string): string {
  const path = normalize(target).replace(/(.)\/$/, '$1');
  const bad = path === '/' || (path !== WORKSPACE && DENIED_TARGETS.some((tree) => isWithin(path, tree)));
  if (isAbsolute(target) && !bad && !target.includes('\0')) return path;
  throw new ParaError(
    'MOUNT_REFUSED',
    `nothing can be mounted at ${JSON.stringify(target)} in the container`,
    { hint: 'Choose another absolute path, such as /cache.' },
  );
}

async function checkSource(source: string, request: MountRequest, context: MountContext): Promise<void> {
  const { readOnly } = request;
  const called = expand(request.source, context);
  const held = { ...(await canonical(context)), readOnly };
  const reason =
    (await deniedBecause(source, held)) ??
    // What is a link to somewhere may be what it is called all the same.
    (called === source ? undefined : await deniedBecause(called, { ...context, readOnly })) ??
    (await socketReason(source, context));
  if (reason !== undefined) {
    throw new ParaError('MOUNT_REFUSED', `${source} is not mounted into a container: ${reason}`, {
      hint: 'Mount a directory that holds only what the container needs.',
    });
  }
  if (request.origin === 'person' || context.approved?.includes(source) === true) return;
  if (await isInAllowed(source, context)) return;
  throw new ParaError(
    'MOUNT_REFUSED',
    `the repository asks to mount ${source}, which your settings do not allow`,
    {
      hint: `Allow it:  ${allowMount(source, context)}\nor give it yourself:  --volume '${source}:${request.target}'`,
    },
  );
}

async function isInAllowed(source: string, context: MountContext): Promise<boolean> {
  const roots = await Promise.all(context.allowed.map((root) => expand(root, context)).map(real));
  return roots.some((root) => isWithin(source, root));
}

/** The command by which a person allows a directory to all repositories. */
function allowMount(source: string, { allowed }: Pick<MountContext, 'allowed'>): string {
  return `para config set docker.allowed_mounts '${JSON.stringify([...allowed, source])}'`;
}

/** Sockets are doors: an engine's, an ssh agent's, a desktop's. */
async function socketReason(source: string, { endpoint = '' }: MountContext): Promise<string | undefined> {
  if ((await lstat(source)).isSocket())
    return 'it is a socket, behind which something on this machine listens';
  if (!endpoint.startsWith('unix://')) return undefined;
  const engine = await real(endpoint.slice('unix://'.length));
  return isWithin(engine, source) ? "it holds the engine's socket" : undefined;
}

async function canonical(context: MountContext): Promise<MountContext> {
  return { ...context, home: await real(context.home), repo: await real(context.repo) };
}

/** The home directory that `~` and $HOME mean: the account's, unless HOME is an absolute path. */
export function homeOf(env: NodeJS.ProcessEnv): string {
  const home = env['HOME'];
  return home !== undefined && isAbsolute(home) && home !== '/' ? home : homedir();
}
