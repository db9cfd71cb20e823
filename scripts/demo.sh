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
  [ -z "$started" ] || (cd "$here" && scripts/engines.sh down) >/dev/null 2>&1 || true
  rm -rf "$demo"
  exit $status
}
trap cleanup EXIT

image=localhost/para-demo/git:1
engine=''
# An engine counts when it really runs a container; the reason why one does not is in $demo/why.
try_engines() {
  para doctor --json >"$demo/doctor.json" 2>/dev/null || true
  for candidate in $(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).checks.filter((c) => c.facts.some((f) => f.name === "endpoint")).map((c) => c.subject).join(" ")' "$demo/doctor.json"); do
    if "$candidate" image inspect "$image" >/dev/null 2>&1 || make_image "$candidate"; then
      if timeout 60 "$candidate" run --rm --network none "$image" git --version >"$demo/why" 2>&1; then
        engine=$candidate
        return 0
      fi
    fi
    printf '%s answers, but runs no container:\n' "$candidate" >&2
    tail -2 "$demo/why" >&2
  done
  return 1
}
make_image() {
  if [ "$(uname)" = Linux ]; then
    say "Building a small image from this machine for $1 (no download)"
    scripts/local-image.sh "$1" "$image" 2>"$demo/why"
  else
    say 'Pulling a small image'
    "$1" pull -q docker.io/alpine/git:latest >"$demo/why" 2>&1 && "$1" tag docker.io/alpine/git:latest "$image"
  fi
}

say 'Looking for a container engine'
if ! try_engines; then
  if [ -e /etc/debian_version ] && [ "$(id -u)" = 0 ]; then
    say 'Installing docker, and starting it for this demonstration'
    if ! scripts/engines.sh status 2>/dev/null | grep -q '^docker up'; then
      started=yes
      export PARA_BENCH_DIR="$demo/engines" PARA_BENCH_SMALL=1
    fi
    scripts/engines.sh up docker
    eval "$(scripts/engines.sh env docker)"
  elif [ -e /etc/debian_version ] && sudo -n true 2>/dev/null; then
    say 'Installing podman'
    sudo -n apt-get update -qq
    sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq podman catatonit slirp4netns uidmap >/dev/null
  fi
  try_engines || { para doctor || true; fail 'No container engine runs containers here. Do what is said above, then run this again.'; }
fi
para doctor --engine "$engine" || true

say 'A throw-away repository'
mkdir "$demo/hello" && cd "$demo/hello"
git init -q -b main .
git config user.name Demo && git config user.email demo@example.com
echo '# hello' >README.md && git add . && git commit -qm 'First commit'

say 'A session: worktree, branch and container'
run para start greet --docker --image "$image" --engine "$engine"

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
