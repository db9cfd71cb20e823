/** The attacks (facts/security-reliability.md §1.3), and what blocks each. */

/** Refused before any engine is told anything, or about what the host reads alone; all others are tried in a container. */
export const ON_HOST_ALONE: ReadonlySet<string> = new Set([
  ...['A26', 'A27', 'A28', 'A29', 'A36', 'A40', 'B01', 'B02'],
]);

/** What a container leaves for git: tried against the commands of the host too, which read the same on any engine. */
export const GIT_ATTACKS: readonly string[] = [
  ...['A01', 'A02', 'A03', 'A04', 'A05', 'A06', 'A07', 'A08', 'A09', 'A10', 'A11', 'A12', 'A14'],
];

/** Of an attack: what it tries, and what is in its way. */
export const CATALOGUE: Readonly<Record<string, readonly [tries: string, blocked: string]>> = {
  A01: [
    '`.git` replaced by a directory with a monitor, filter and hook',
    '`.git` is a read-only mount; host git has its directories named',
  ],
  A02: ['`.git` file that leads into the worktree', 'the same'],
  A03: ['`.git` deleted', 'the same'],
  A04: [
    'a nested repository with a monitor and a filter',
    'staging by plumbing; nested repositories are refused',
  ],
  A05: ['a tracked submodule that is a dirty repository', 'the same'],
  A06: ['hooks in the tree', '`core.hooksPath` is nowhere on the host'],
  A07: ["the user's own hook runs a script of the tree", 'no hook runs in what para does'],
  A08: ['a monitor in the git directory', 'the repository is not mounted writable; none runs on the host'],
  A09: ['a filter in the git directory', 'filters are off on the host'],
  A10: ['`commondir` rewritten', 'the admin directory is not mounted'],
  A11: ['`config.worktree`', 'the same'],
  A12: ['`gpg.program`', 'nothing is signed by para'],
  A13: [
    'a mount is moved away with what holds it',
    'mounts are over files of para, which nothing inside holds',
  ],
  A14: ['a commit with `.git/config` in its tree', 'fsck in the quarantine'],
  A15: ['status.json is a link', 'read without following'],
  A16: ['status.json is a pipe', 'opened without waiting; only regular files are read'],
  A17: ['status.json of 20 GB', 'a limit before reading'],
  A18: ['status.json is a directory, socket or device', 'only regular files are read'],
  A19: ['status.json has a second name', 'one name alone is read'],
  A20: ['status.json swapped all the time', 'one descriptor, looked at after it is open'],
  A21: ['status.json that is broken in any way', 'its own parser and schema'],
  A22: ['links out of the worktree', 'no link is followed'],
  A23: ['a way out by `cp`', 'para never copies from a running container'],
  A24: [
    'setuid files, devices, pipes in the worktree',
    'no such mode is committed, special files are left out',
  ],
  A25: [
    'docker.json changed by the agent',
    'the one of the start is used; a new one needs `para docker trust`',
  ],
  A26: ['images that are options', 'grammar, and `--`'],
  A27: ['names that lead elsewhere', 'grammar'],
  A28: ['mount sources that lead elsewhere', 'expanded, resolved, and held against a list'],
  A29: ["an engine's socket by another way", 'sockets are refused wherever they are'],
  A30: ['programs of the worktree on PATH', 'binaries by absolute path from absolute entries; run from `/`'],
  A31: ["para's environment inside", 'only what was declared goes in'],
  A32: ['a working directory below /proc', 'refused'],
  A33: ['queued commands that ask for the host', 'schema'],
  A34: ['engines and runtimes with known holes', '`para doctor` warns'],
  A35: ['escapes in all that is shown', 'every text is cleaned where it is shown'],
  A36: ['secrets in `--env`', 'refused, with the way to `secrets`'],
  A37: ['secrets in what the engine tells', 'over stdin, into memory of the container'],
  A38: ['values of secrets in files of para', 'they are never written'],
  A39: ["the person's terminal", 'a terminal of its own; put right afterwards'],
  A40: ['secrets in `--verbose` and errors', 'taken out'],
  A41: ['another session', 'networks of their own; `restricted` and `none`'],
  A42: ['all processes, memory, disk', 'limits, where the engine enforces them'],
  A43: ['a hundred thousand files', 'looks are capped'],
  A44: ['output without end', 'nothing is kept in memory'],
  B01: ['a tree that unfolds without end', 'counted before it is read'],
  B02: ['a flood of refs', 'counted; refspecs over stdin'],
};
