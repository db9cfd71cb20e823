#!/usr/bin/env bash
# Installs what `npm run bench -- --peers` compares para with: packages of npm and Debian, and an image that has what
# distrobox and toolbox look for. As root, on Debian, with the tests' engines up. May be run again.
set -euo pipefail
dir=${PARA_BENCH_DIR:-/tmp/para-bench}
image=localhost/para-bench/box:1
export DEBIAN_FRONTEND=noninteractive

apt-get install -y --no-install-recommends docker-compose podman-compose distrobox podman-toolbox dbus debootstrap
npm install --no-audit --no-fund --silent --prefix "$dir/peers" @devcontainers/cli@0.89.0 testcontainers@11.14.0

# In the way that the bench's own file says for the engine: "env" is its environment, the user is uid and gid.
rootless() {
  node --input-type=module -e '
    import { readFileSync } from "node:fs";
    import { spawnSync } from "node:child_process";
    const { rootless } = JSON.parse(readFileSync(process.argv[1] + "/bench.json", "utf8"));
    const { env, uid, gid } = rootless;
    const run = spawnSync("podman", process.argv.slice(2), { cwd: env.HOME, env: { PATH: process.env.PATH, ...env }, uid, gid, stdio: "inherit" });
    process.exitCode = run.status ?? 1;
  ' "$dir" "$@"
}

if ! rootless image exists "$image"; then
  root=$(mktemp -d)
  trap 'rm -rf --one-file-system "$root"' EXIT
  from=$(grep -rhE '^(URIs:|deb )' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | grep -oE 'https?://[^ ]+' | grep -v security | head -1)
  debootstrap --variant=minbase --include=sudo,pinentry-curses,wget,curl,less,bc,time,lsof,diffutils,libcap2-bin,bash-completion,procps,iproute2,hostname,locales,apt-utils,ca-certificates,dialog bookworm "$root" "$from" >/dev/null
  tar -C "$root" --numeric-owner --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf - . |
    rootless import --change 'CMD ["sh"]' - "$image" >/dev/null
fi
echo "peers: ready"
