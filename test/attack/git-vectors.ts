/**
 * A01–A12 and A14: what a container could leave for the host's git to trip over, planted from the host's side. All but
 * the sealed git directory is behind a mask in a container; it is planted all the same, as if the mask had failed.
 *
 * Shell text; `$W` is the worktree and `$H` the same on the host, `$G` the container's git directory, `$R` the main
 * checkout, `$M` the marker.
 */
export interface Vector {
  readonly id: string;
  readonly what: string;
  /** What the user has in the repository already. */
  readonly users?: string;
  readonly plant: string;
  /** What a git that is not hardened would do; it writes the marker, or a commit on main. */
  readonly naive: string;
}

const HOOKS =
  'pre-commit post-commit commit-msg post-checkout post-index-change reference-transaction pre-push post-merge pre-receive update post-receive pre-auto-gc';

/** The program of every payload, and settings that run it. */
const EVIL = `printf '#!/bin/sh\\necho "$*" >>%s\\n[ "$1" != filter ] || cat\\n' "$M" >"$W/evil.sh"; chmod 755 "$W/evil.sh"
hooks() { mkdir -p "$1"; for h in ${HOOKS}; do printf '#!/bin/sh\\n%s hook\\n' "$H/evil.sh" >"$1/$h"; chmod 755 "$1/$h"; done; }
evil() { cat <<END
[core]
fsmonitor = $H/evil.sh fsmonitor
hooksPath = $1
editor = $H/evil.sh editor
pager = $H/evil.sh pager
sshCommand = $H/evil.sh ssh
[filter "evil"]
clean = $H/evil.sh filter
smudge = $H/evil.sh filter
required = true
[diff]
external = $H/evil.sh diff
[diff "evil"]
textconv = $H/evil.sh textconv
command = $H/evil.sh command
[merge "evil"]
driver = $H/evil.sh merge
[alias]
status = !$H/evil.sh alias
END
}
nested() { git init -q "$1"; (cd "$1"; echo x >x; git add x; git commit -qm x); hooks "$1/.git/hooks"; evil "$1/.git/hooks" >>"$1/.git/config"; echo y >>"$1/x"; }
everything='* filter=evil diff=evil merge=evil'
`;

/** A git that works in the container's directory, as nobody should on the host. */
const IN_SEALED =
  'export GIT_DIR="$G" GIT_WORK_TREE="$W" GIT_ALTERNATE_OBJECT_DIRECTORIES="$R/.git/objects"; rm -f "$G/index"; git -C "$W" status; git -C "$W" add -A; git -C "$W" commit -m x; :';

const VECTORS: readonly Vector[] = [
  {
    id: 'A01',
    what: '`.git` becomes a directory with fsmonitor, filter and hooks',
    plant: `rm "$W/.git"; git init -q "$W"; hooks "$W/.git/hooks"; evil "$H/.git/hooks" >>"$W/.git/config"; echo "$everything" >"$W/.gitattributes"`,
    naive: 'git -C "$W" status; git -C "$W" add -A',
  },
  {
    id: 'A02',
    what: '`.git` points into the worktree',
    plant: `rm "$W/.git"; git init -q "$W"; mv "$W/.git" "$W/fake"; echo 'gitdir: fake' >"$W/.git"; evil "$H/.husky" >>"$W/fake/config"`,
    naive: 'git -C "$W" status; git -C "$W" add -A',
  },
  {
    id: 'A03',
    what: '`.git` is deleted, so that the repository around it is found',
    plant: 'rm "$W/.git"',
    naive: 'git -C "$W" commit --allow-empty -m naive',
  },
  {
    id: 'A04',
    what: 'a nested repository with fsmonitor and filter',
    plant: 'nested "$W/sub"',
    naive: 'git -C "$W/sub" status',
  },
  {
    id: 'A05',
    what: 'a gitlink that is tracked, and its repository is dirty',
    plant: `nested "$W/sub"
      export GIT_ALTERNATE_OBJECT_DIRECTORIES="$R/.git/objects"; oid=$(git -C "$W/sub" -c core.fsmonitor= rev-parse HEAD); rm -f "$M"
      GIT_DIR="$G" GIT_WORK_TREE="$W" git update-index --add --cacheinfo "160000,$oid,sub"
      GIT_DIR="$G" GIT_WORK_TREE="$W" git commit -qm gitlink`,
    naive:
      'git -C "$W" update-index --add --cacheinfo "160000,$(git -C "$W/sub" rev-parse HEAD),sub"; git -C "$W" status',
  },
  {
    id: 'A06',
    what: 'hooks of husky, in the tree',
    users: 'git -C "$R" config core.hooksPath .husky',
    plant: 'hooks "$W/.husky"',
    naive: 'git -C "$W" commit --allow-empty -m x',
  },
  {
    id: 'A07',
    what: "the user's own hooks and filters run a program of the tree",
    users: `for h in ${HOOKS}; do printf '#!/bin/sh\\n./evil.sh hook </dev/null\\n' >"$R/.git/hooks/$h"; chmod 755 "$R/.git/hooks/$h"; done
      git -C "$R" config diff.user.textconv './evil.sh textconv'; git -C "$R" config diff.external './evil.sh diff'
      git -C "$R" config core.fsmonitor './evil.sh fsmonitor'; git -C "$R" config submodule.recurse true`,
    plant: `echo '*.txt diff=user merge=user' >"$W/.gitattributes"`,
    naive: 'git -C "$W" commit --allow-empty -m x',
  },
  {
    id: 'A08',
    what: 'core.fsmonitor in the git directory that the container writes',
    plant: 'evil "$G/hooks" >>"$G/config"',
    naive: IN_SEALED,
  },
  {
    id: 'A09',
    what: 'a filter there, and info/attributes',
    plant: `mkdir -p "$G/info"; echo "$everything" >"$G/info/attributes"; printf '[filter "evil"]\\nclean = %s filter\\n' "$H/evil.sh" >>"$G/config"`,
    naive: IN_SEALED,
  },
  {
    id: 'A10',
    what: 'commondir and gitdir are rewritten there',
    plant: `mkdir -p "$W/common/objects" "$W/common/refs"; { printf '[core]\\nrepositoryformatversion = 0\\n'; evil "$H/.husky"; } >"$W/common/config"
      echo 'ref: refs/heads/main' >"$W/common/HEAD"; echo "$H/common" >"$G/commondir"; echo "$H" >"$G/gitdir"`,
    naive: IN_SEALED,
  },
  {
    id: 'A11',
    what: 'config.worktree with extensions.worktreeConfig',
    plant:
      'git config --file "$G/config" core.repositoryformatversion 1; git config --file "$G/config" extensions.worktreeConfig true; evil "$G/hooks" >"$G/config.worktree"',
    naive: IN_SEALED,
  },
  {
    id: 'A12',
    what: 'gpg.program with commit.gpgsign, ssh signing, credential helper',
    plant: `printf '[commit]\\ngpgSign = true\\n[tag]\\ngpgSign = true\\n[gpg]\\nprogram = %s\\n[gpg "ssh"]\\nprogram = %s\\n[credential]\\nhelper = !%s\\n' "$W/evil.sh" "$W/evil.sh" "$H/evil.sh" >>"$G/config"`,
    naive: IN_SEALED,
  },
  {
    id: 'A14',
    what: 'a commit whose tree has an entry `.git/config`',
    plant: `export GIT_DIR="$G" GIT_ALTERNATE_OBJECT_DIRECTORIES="$R/.git/objects"
      blob=$(evil "$H/.husky" | git hash-object -w --stdin)
      inner=$(printf '100644 blob %s\\tconfig\\n' $blob | git mktree)
      tree=$(printf '040000 tree %s\\t.git\\n' $inner | git mktree)
      git update-ref refs/heads/para/s $(echo evil | git commit-tree -p HEAD $tree)`,
    naive:
      'echo "$R/.git/objects" >"$G/objects/info/alternates"; git -C "$R" -c protocol.file.allow=always fetch -q "$G" refs/heads/para/s && git -C "$R" ls-tree -r --name-only FETCH_HEAD | grep -qx .git/config && echo taken >>"$M"',
  },
];

/** Every vector, whole: what is planted comes after the program that it runs. */
export const GIT_VECTORS = VECTORS.map((one) => ({ ...one, plant: `${EVIL}${one.plant}` }));
