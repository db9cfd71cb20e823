#!/usr/bin/env bash
# Every check and every test, against real engines. The last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

die() { printf 'test-all: %s\n' "$*" >&2; exit 1; }
command -v node >/dev/null || die 'Node.js 20.19 or later is needed'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  die "Node.js 20.19 or later is needed, this is $(node --version)"
command -v git >/dev/null || die 'git is needed'

log=$(mktemp)
started=
finish() {
  rm -f "$log"
  [ -z "$started" ] || scripts/engines.sh down
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

engines=()
if [ "$(id -u)" = 0 ]; then
  engines=(docker podman rootless)
  if command -v apt-get >/dev/null; then scripts/engines.sh packages tmux strace openssh-client; fi
else
  # An ordinary user tests the engines that are there.
  if docker version >/dev/null 2>&1; then engines+=(docker); fi
  if podman info >/dev/null 2>&1; then engines+=(rootless); fi
  [ ${#engines[@]} -gt 0 ] || die 'no engine answers: install podman, or start docker, or run this as root on Debian'
  missing=()
  for program in strace busybox docker-registry; do command -v "$program" >/dev/null || missing+=("$program"); done
  [ ${#missing[@]} -eq 0 ] || die "the tests need: sudo apt-get install ${missing[*]/%busybox/busybox-static}"
fi
engines+=(registry)
# Engines that were up before stay up.
scripts/engines.sh status >/dev/null 2>&1 || [ -e "$(scripts/engines.sh where)/bench.json" ] || started=1
scripts/engines.sh up "${engines[@]}" &
up=$!
built=0
{ npm ci --no-audit --no-fund && npm run build; } || built=1
wait "$up" || die 'the engines are not up'
[ "$built" = 0 ] || die 'the build failed'

code=0
# The last of test:e2e looks for what all the others have left.
for script in check test:property test:fault test:e2e; do
  npm run "$script" 2>&1 | tee -a "$log" || code=1
done
counts() { sed -nE "s/^([0-9]+) passed, ([0-9]+) failed.*/\\$1/p" "$log" | awk '{ n += $1 } END { print n + 0 }'; }
passed=$(counts 1)
failed=$(counts 2)
[ "$passed" -gt 0 ] || code=1
if [ "$failed" -gt 0 ]; then code=1; fi
printf '%s passed, %s failed\n' "$passed" "$failed"
exit "$code"
