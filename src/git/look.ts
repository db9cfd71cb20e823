/** What git sees in a worktree: all that para wants to know of its files, at one look at each. */
import { ParaError } from '../errors.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { succeeded } from '../sys/run.ts';
import { gitFailed, type Git, type GitCall } from './git.ts';

/** Paths are bytes, without repeats. */
export interface Look {
  /** What the index names. */
  readonly tracked: readonly Buffer[];
  /** Of those, commits of other repositories (submodules). */
  readonly gitlinks: readonly string[];
  /** Of those, files that are changed or gone; none unless they were asked for. */
  readonly changed: readonly Buffer[];
  /** Untracked paths that git does not ignore; a nested repository has a trailing slash. */
  readonly others: readonly Buffer[];
  /** The index holds entries that are not merged. */
  readonly conflicts: boolean;
}

/** `changed`: look into files as well, which runs the filters that the call lets run. */
export interface LookRequest extends Pick<GitCall, 'place' | 'filters' | 'timeoutMs'> {
  readonly changed: boolean;
}

/**
 * Looks once.
 * @throws REFUSED when git passes over a directory that it can not open, with a warning only: what is in there would be
 * in no commit, and be lost with the worktree. GIT_FAILED
 */
export async function lookAt(git: Git, { changed, ...call }: LookRequest): Promise<Look> {
  const args = ['ls-files', '-z', '-t', '-s', '-o', ...(changed ? ['-m', '-d'] : []), '--exclude-standard'];
  const answer = await git.attempt({ ...call, args, contents: changed, read: true });
  if (!succeeded(answer)) throw gitFailed(args, answer);
  // git cuts its own words off after 4096 bytes.
  const closed = [...answer.stderr.matchAll(/^warning: could not open directory '(.*?)(?:': (.*))?$/gm)];
  if (closed[0] !== undefined) throw notOpened(call.place?.workTree ?? '', closed);
  return toLook(Buffer.from(answer.stdoutBytes));
}

const TAB = 0x09;
const SPACE = 0x20;

/** Entries such as `? PATH`, `H MODE OID STAGE<tab>PATH`, `C …` (changed), `R …` (gone) and `M …` (not merged). */
function toLook(listed: Buffer): Look {
  const found = { tracked: new Paths(), changed: new Paths(), others: new Paths() };
  const gitlinks = new Set<string>();
  let conflicts = false;
  let start = 0;
  for (let end = listed.indexOf(0); end >= 0; end = listed.indexOf(0, start)) {
    const tag = String.fromCharCode(listed[start] ?? SPACE);
    const path = listed.subarray(tag === '?' ? start + 2 : listed.indexOf(TAB, start) + 1, end);
    if (tag === '?') found.others.add(path);
    else if (tag === 'C' || tag === 'R') found.changed.add(path);
    else {
      found.tracked.add(path);
      if (listed.toString('latin1', start + 2, start + 8) === '160000') gitlinks.add(path.toString('utf8'));
      conflicts ||= tag === 'M';
    }
    start = end + 1;
  }
  return {
    tracked: found.tracked.all(),
    changed: found.changed.all(),
    others: found.others.all(),
    gitlinks: [...gitlinks],
    conflicts,
  };
}

/** Paths without repeats. */
class Paths {
  readonly #known = new Map<string, Buffer>();

  add(path: Buffer): void {
    this.#known.set(path.toString('latin1'), path);
  }

  all(): readonly Buffer[] {
    return [...this.#known.values()];
  }
}

function notOpened(workTree: string, closed: readonly (readonly (string | undefined)[])[]): ParaError {
  const [, first = '', why = 'its path is too long'] = closed[0] ?? [];
  const more = closed.length > 1 ? `, and ${String(closed.length - 1)} more` : '';
  // A path too long to be opened is too long to be read, too.
  const shown = first.length > 200 ? `${first.slice(0, 199)}…` : first;
  const top = shellQuote(`${workTree}/${first.split('/')[0] ?? ''}`);
  return new ParaError('REFUSED', `git can not look into ${JSON.stringify(shown)}${more}: ${why}`, {
    hint: `What is in there would be lost. Open it:\nchmod -R u+rwX ${top}\nor let it go:\nrm -rf ${top}`,
    details: { directories: closed.slice(0, 20).map(([, path]) => path) },
  });
}
