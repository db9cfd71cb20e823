/** What a careful person would script instead of `para finish`, with the same safety. */

/**
 * Stops at what no commit can hold; keeps what was staged, and what was not, as commits of their own under a ref; commits
 * all; and removes the worktree. `first` comes before anything is looked at twice, such as stopping a container, and
 * `between` before the removal, such as removing it.
 */
export function carefulFinish({ worktree, repo, session, first = 'true', between = 'true' }) {
  return [
    'set -e',
    `cd '${worktree}'`,
    'test -z "$(git ls-files -o -i --exclude-standard --directory)"',
    first,
    'dir=$(git rev-parse --git-dir) tip=$(git rev-parse HEAD)',
    'cp -p "$dir/index" "$dir/snapshot"',
    'export GIT_INDEX_FILE="$dir/snapshot"',
    'staged=$(git commit-tree -p "$tip" -m staged "$(git write-tree)")',
    'git add -A',
    'kept=$(git commit-tree -p "$tip" -p "$staged" -m kept "$(git write-tree)")',
    `git update-ref 'refs/kept/${session}' "$kept" ''`,
    'unset GIT_INDEX_FILE',
    'test -z "$(git ls-files -o -i --exclude-standard --directory)"',
    'git add -A',
    'git commit -qm done',
    `cd '${repo}'`,
    between,
    `git worktree remove '${worktree}'`,
  ].join('\n');
}
