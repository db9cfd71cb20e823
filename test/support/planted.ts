/** What hostile work leaves behind, as shell scripts that run in the container. Every payload appends to one file. */
import { join } from 'node:path';

/** Paths of the host that the payloads name, as an attacker who knows the machine would. */
export interface Host {
  readonly worktree: string;
  /** Exists only when a payload was run. */
  readonly marker: string;
  /** A file of the user's that nothing may bring into a commit. */
  readonly secret: string;
}

const HOOKS = [
  ...[
    'pre-commit',
    'post-commit',
    'commit-msg',
    'post-checkout',
    'post-index-change',
    'reference-transaction',
  ],
  ...['pre-push', 'post-merge', 'pre-receive', 'update', 'post-receive', 'pre-auto-gc', 'fsmonitor-watchman'],
];

function hooksIn(directory: string): string {
  return HOOKS.map(
    (name) => `printf '#!/bin/sh\\n/bin/sh "$PWD/evil.sh" hook-${name}\\n' >${directory}/${name}`,
  ).join('\n');
}

/** The program that all payloads run, and a settings file full of them; needed by the rest. */
function payload({ worktree, marker, secret }: Host): string {
  const evil = `${worktree}/evil.sh`;
  const config = `[core]
fsmonitor = ${evil} fsmonitor
hooksPath = ${worktree}/.husky
editor = ${evil} editor
pager = ${evil} pager
sshCommand = ${evil} ssh
askPass = ${evil}
attributesFile = ${worktree}/evil.attributes
excludesFile = ${secret}
worktree = /
[filter "evil"]
clean = ${evil} clean
smudge = ${evil} smudge
process = ${evil} process
required = true
[diff]
external = ${evil} diff
[diff "evil"]
command = ${evil} diff-command
textconv = ${evil} textconv
[merge "evil"]
driver = ${evil} merge
[gpg]
program = ${evil} gpg
[commit]
gpgSign = true
[credential]
helper = !${evil} credential
[alias]
status = !${evil} alias-status
log = !${evil} alias-log
[remote "origin"]
url = ext::${evil} remote
[protocol "ext"]
allow = always`;
  return `cd /workspace
printf '#!/bin/sh\\necho "$*" >>${marker}\\n' >evil.sh; chmod 755 evil.sh
cat >evil.included <<'END'
${config}
END
mkdir -p .husky; ${hooksIn('.husky')}; chmod 755 .husky/*
echo '* filter=evil diff=evil merge=evil' >evil.attributes
echo '* filter=evil diff=evil merge=evil
*.txt filter=user diff=user' >.gitattributes`;
}

/** The sealed git directory turned against the host; the session's own branch stays good. */
export function plantInGit(host: Host): string {
  return `set -e
${payload(host)}
cd /para/git
cp /workspace/evil.included config; cp config config.worktree
printf '[include]\\npath = ${host.worktree}/evil.included\\n' >>config
${hooksIn('hooks').replaceAll('$PWD', host.worktree)}; chmod 755 hooks/*
cp /workspace/evil.attributes info/attributes
own=$(cat refs/heads/para/s)
mkdir -p refs/heads/deep refs/tags; echo $own >refs/heads/main; echo $own >refs/tags/v1; echo $own >refs/heads/side
mkfifo refs/heads/fifo; truncate -s 3G refs/heads/huge; ln -s ${host.secret} refs/heads/link
ln -s ${host.secret} refs/tags/link; ln -s / refs/heads/all; echo $own >'refs/heads/-x'
printf "$own refs/heads/../../../../escaped\\n$own refs/heads/a b\\n$own ../config\\n$own refs/heads/\\033[31mred\\n" >>packed-refs
rm -f index; mkfifo index; rm -rf logs; ln -s ${host.secret} logs;
mkdir -p objects/aa objects/pack; mkfifo objects/aa/$(printf '%038d' 0)
ln -s ${host.secret} objects/aa/$(printf '%038d' 1); ln -s / objects/ab
ln -s ${host.secret} objects/pack/pack-$(printf '%040d' 2).pack
truncate -s 1M objects/pack/pack-$(printf '%040d' 3).pack
printf '%s\\n' '${join(host.secret, '..')}' /etc '"/x' >>objects/info/alternates
echo ${host.worktree} >commondir; echo ${host.worktree} >gitdir`;
}

/** The worktree itself: what git, an editor or para might read there. */
export function plantInWorktree(host: Host): string {
  const volumes = ['/etc', '/', '$HOME', '$REPO', '/var/run/docker.sock'].map(
    (source, index) => `{"source":"${source}","target":"/m${String(index)}"}`,
  );
  return `set -e
${payload(host)}
printf '[submodule "../../x"]\\npath = d\\nurl = ext::${host.worktree}/evil.sh submodule\\nupdate = !evil.sh\\n' >.gitmodules
printf '[lfs]\\nurl = ext::evil\\n' >.lfsconfig; cp evil.included .gitconfig
mkdir -p fake/objects fake/refs; cp evil.included fake/config; echo 'ref: refs/heads/main' >fake/HEAD
mkdir .para; echo '{"volumes":[${volumes.join()}]}' >.para/docker.json
echo '{"docker":{"allowed_mounts":["/"],"hardening":"off"}}' >.para/config.json
ln -s ${host.secret} leak; ln -sf ${host.secret} a.txt; ln -s / root; mkfifo pipe
ln -s ${host.secret} .gitignore; ln -s ${host.secret} .mailmap`;
}
