/** Where the programs of a session run: in its container, or on this machine in its worktree. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerService } from '../docker/service.ts';
import { INSIDE } from '../docker/spec.ts';
import { ParaError } from '../errors.ts';
import type { Captured, Runner, RunRequest } from '../sys/run.ts';
import type { Places } from './store.ts';

/** What starting programs needs of the App. */
export interface SiteContext {
  readonly env: NodeJS.ProcessEnv;
  readonly runner: Runner;
}

/** Where a session's programs run. */
export interface Site {
  readonly session: string;
  readonly worktree: string;
  /** On the host: `cmd` holds what para hands in, `logs` what is printed. */
  readonly stateDir: string;
  /** Undefined: on this machine. */
  readonly container: { readonly name: string; readonly service: DockerService } | undefined;
}

/** A program to run there to its end. */
export interface SiteCommand extends Pick<RunRequest, 'timeoutMs' | 'onLine' | 'maxBuffer'> {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The site of a session. */
export function siteOf(
  places: Places,
  session: { readonly name: string; readonly worktree: string },
  container: Site['container'],
): Site {
  return {
    session: session.name,
    worktree: session.worktree,
    stateDir: places.docker(session.name),
    container,
  };
}

/** Makes the directories that a site's files are in, for the caller alone. */
export async function prepareSite({ stateDir }: Site): Promise<void> {
  for (const name of ['cmd', 'logs']) await mkdir(join(stateDir, name), { recursive: true, mode: 0o700 });
}

/** A file of the site as its programs see it. */
export function seenAs(site: Site, directory: 'cmd' | 'logs', file: string): string {
  return site.container === undefined ? join(site.stateDir, directory, file) : `${INSIDE[directory]}/${file}`;
}

/** Runs a program at the site; its exit code is an answer. stdin is closed. */
export async function runAt(context: SiteContext, site: Site, command: SiteCommand): Promise<Captured> {
  const { argv, env = {}, ...options } = command;
  if (site.container === undefined) {
    const [file = 'sh', ...args] = argv;
    // The user's own locale: what runs there is the user's program.
    const own = { LC_ALL: context.env['LC_ALL'], PARA_SESSION: site.session, PARA_WORKSPACE: site.worktree };
    const cwd = site.worktree;
    const ended = await context.runner.capture({ ...options, file, args, cwd, env: { ...own, ...env } });
    if (ended.aborted) throw new ParaError('INTERRUPTED', `${file} was interrupted`);
    return ended;
  }
  const { name, service } = site.container;
  const request = { container: name, argv, tty: false, stdin: false, workdir: INSIDE.workspace, env };
  return service.execCapture(request, options);
}
