#!/usr/bin/env bash
# Sets para up and shows its main job: a session with a real container, worked in and finished.
# Asks nothing; leaves nothing but packages and one small image behind.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD

say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
run() { printf '\033[36m$ %s\033[0m\n' "$(printf '%q ' "$@")" >&2; "$@"; }

command -v git >/dev/null || fail 'git is missing. Install it, then run this again.'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null ||
  fail 'Node 20.19 or newer is missing. Install it, then run this again.'

say 'Building para'
[ -d node_modules ] || npm ci --no-audit --no-fund --loglevel error
npm run --silent build
para() { node "$here/dist/main.js" "$@"; }

demo=$(mktemp -d)
export XDG_CONFIG_HOME="$demo/config" XDG_CACHE_HOME="$demo/cache"
started=''
cleanup() {
  status=$?
  if [ -d "$demo/hello" ]; then
    (cd "$demo/hello" && para list --json 2>/dev/null | grep -q '"status":"active"' && para finish 'Interrupted' greet --no-push --quiet) >/dev/null 2>&1 || true
    [ -n "${engine:-}" ] && [ -n "${network:-}" ] && "$engine" network rm "$network" >/dev/null 2>&1 || true
  fi
  [ -z "$started" ] || scripts/engines.sh down >/dev/null 2>&1 || true
  rm -rf "$demo"
  exit $status
}
trap cleanup EXIT

say 'Looking for a container engine'
if ! para doctor >"$demo/doctor" 2>&1; then
  if [ -e /etc/debian_version ] && [ "$(id -u)" = 0 ]; then
    say 'None answers: installing docker and starting it for this demonstration'
    was=$(scripts/engines.sh status 2>/dev/null | grep -c '^docker up' || true)
    scripts/engines.sh up docker
    [ "$was" != 0 ] || started=yes
    eval "$(scripts/engines.sh env docker)"
  elif [ -e /etc/debian_version ] && sudo -n true 2>/dev/null; then
    say 'None answers: installing podman'
    sudo -n apt-get update -qq && sudo -n DEBIAN_FRONTEND=noninteractive apt-get install -y -qq podman catatonit slirp4netns uidmap >/dev/null
  fi
  para doctor >"$demo/doctor" 2>&1 || { cat "$demo/doctor"; fail 'No container engine answers. Do what is said above, then run this again.'; }
fi
cat "$demo/doctor"
engine=$(para doctor --json | node -e 'let t="";process.stdin.on("data",c=>t+=c).on("end",()=>{const d=JSON.parse(t);console.log(d.checks.find(c=>c.facts.length>0).subject)})')

image=localhost/para-demo/git:1
if ! "$engine" image inspect "$image" >/dev/null 2>&1; then
  if [ "$(uname)" = Linux ]; then
    say 'Building a small image from this machine (no download)'
    scripts/local-image.sh "$engine" "$image"
  else
    image=docker.io/alpine/git:latest
  fi
fi

say 'A throw-away repository'
mkdir "$demo/hello" && cd "$demo/hello"
git init -q -b main .
git config user.name Demo && git config user.email demo@example.com
echo '# hello' >README.md && git add . && git commit -qm 'First commit'

say 'A session: worktree, branch and container'
run para start greet --docker --image "$image" --engine "$engine"
network=$(para list --json --no-containers >/dev/null; node -e 'console.log(JSON.parse(require("fs").readFileSync(".para/state/greet.state","utf8")).container.network)')

say 'Work inside: a file, and a commit made in the box'
run para docker exec greet -- sh -c 'echo "Hello from $PARA_SESSION" >hello.txt && git add hello.txt && git commit -qm "Say hello" && git log --oneline'
run para docker exec greet -- sh -c 'echo "not committed yet" >notes.txt'
run para list
run para docker list

say 'Finish: commits come back, the rest is committed, container and worktree go'
run para finish 'Add notes' greet
run git log --oneline --stat main..para/greet
run para list

say 'Done. The branch para/greet held it all; this demonstration leaves nothing behind.'
