#!/usr/bin/env bash
# Container engines for the tests, apart from any engine the machine already runs.
#   engines.sh up [docker] [podman] [rootless] [registry]   default: docker podman rootless
#   engines.sh down | env | status | where | packages NAME...
# State is in ${PARA_BENCH_DIR:-${TMPDIR:-/tmp}/para-bench}; tests read bench.json there.
# PARA_BENCH_SMALL=1 leaves the large image out.
# As root it installs and starts everything itself (Debian). As an ordinary user it uses what is there.
set -euo pipefail
umask 022
export LC_ALL=C

tmp=${TMPDIR:-/tmp}
dir=${PARA_BENCH_DIR:-${tmp%/}/para-bench}
user=para-test
base=localhost/para-test/base:1
images_large=1
[ -z "${PARA_BENCH_SMALL-}" ] || images_large=
busybox=localhost/para-test/busybox:1
bridge=para-bench0
subnet=10.213.0
pools=10.214.0.0/16
export PATH=$PATH:/usr/sbin:/sbin

say() { printf 'engines: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
root() { [ "$(id -u)" = 0 ]; }
have() { command -v "$1" >/dev/null 2>&1; }
deadline() { if have timeout; then timeout -k 5 "$@"; else shift && "$@"; fi; }
running() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
boot() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown; }

# user_conf VARIABLE FILE: the user's own settings of podman
user_conf() {
  local file=${!1:-${XDG_CONFIG_HOME:-$HOME/.config}/containers/$2}
  [ ! -f "$file" ] || echo "$1=$file"
}

# The environment of each engine, one NAME=value a line.
env_of() {
  if ! root; then
    case $1 in
      docker)
        [ -z "${DOCKER_HOST-}" ] || echo "DOCKER_HOST=$DOCKER_HOST"
        echo "DOCKER_CONFIG=${DOCKER_CONFIG:-$HOME/.docker}" ;;
      rootless)
        # A test has a home of its own; the engine keeps the user's.
        echo "HOME=$HOME"
        [ -z "${XDG_RUNTIME_DIR-}" ] || echo "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR"
        [ -z "${XDG_DATA_HOME-}" ] || echo "XDG_DATA_HOME=$XDG_DATA_HOME"
        user_conf CONTAINERS_CONF containers.conf
        user_conf CONTAINERS_STORAGE_CONF storage.conf
        [ ! -f "$dir/registries.conf" ] || echo "CONTAINERS_REGISTRIES_CONF=$dir/registries.conf" ;;
    esac
    return 0
  fi
  case $1 in
    docker) echo "DOCKER_HOST=unix://$dir/docker.sock" ;;
    podman)
      echo "CONTAINERS_CONF=$dir/podman/containers.conf"
      echo "CONTAINERS_STORAGE_CONF=$dir/podman/storage.conf"
      echo "CONTAINERS_REGISTRIES_CONF=$dir/registries.conf" ;;
    rootless)
      echo "HOME=$dir/user"
      echo "USER=$user"
      echo "LOGNAME=$user"
      echo "XDG_RUNTIME_DIR=$dir/user/run"
      echo "XDG_CONFIG_HOME=$dir/user/.config"
      echo "XDG_DATA_HOME=$dir/user/.local/share"
      echo "CONTAINERS_CONF=$dir/user/containers.conf"
      echo "CONTAINERS_STORAGE_CONF=$dir/user/storage.conf"
      echo "CONTAINERS_REGISTRIES_CONF=$dir/registries.conf" ;;
  esac
}

# Run an engine's command line: on ENGINE ARG...
on() {
  local engine=$1 vars prefix=()
  shift
  mapfile -t vars < <(env_of "$engine")
  if [ "$engine" = rootless ] && root; then prefix=(runuser -u "$user" --); fi
  local binary=podman
  [ "$engine" != docker ] || binary=docker
  (cd / && deadline 120 ${prefix[@]+"${prefix[@]}"} env ${vars[@]+"${vars[@]}"} "$binary" "$@")
}

install_packages() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  have apt-get || die "not a Debian machine: install ${missing[*]} by hand"
  say "installing ${missing[*]}"
  # RUNLEVEL=1 keeps the packages from starting services of their own.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get update -qq >"$dir/apt.log" 2>&1 || die "apt-get update failed, see $dir/apt.log"
  apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >>"$dir/apt.log" 2>&1 ||
    { tail -5 "$dir/apt.log" >&2; die "apt-get install failed"; }
}

free_port() {
  local port
  for port in $(seq 5151 5199); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  die "no free port for the registry"
}

# Keep what `down` has to put back.
remember() {
  mkdir -p "$dir/saved"
  local device
  for device in /dev/net/tun /dev/fuse; do
    local file=$dir/saved/mode${device//\//-}
    if [ -e "$device" ] && [ ! -e "$file" ]; then stat -c %a "$device" >"$file"; fi
  done
  [ -e "$dir/saved/ip_forward" ] || cat /proc/sys/net/ipv4/ip_forward >"$dir/saved/ip_forward"
  local tables
  for tables in iptables ip6tables; do
    [ -e "$dir/saved/$tables" ] || "$tables-save" >"$dir/saved/$tables" 2>/dev/null || true
  done
  local file
  for file in /dev/shm/libpod_lock; do
    [ -e "$file" ] || touch "$dir/saved/no${file//\//-}"
  done
}

# podman_conf FOLDER MORE: write FOLDER/containers.conf
podman_conf() {
  local init=
  ! have catatonit || init="init_path = \"$(command -v catatonit)\""
  mkdir -p "$1"
  cat >"$1/containers.conf" <<END
[containers]
default_ulimits = ["nofile=4096:8192", "nproc=4096:8192"]
log_driver = "k8s-file"
$init
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
$2
END
}

write_conf() {
  [ -s "$dir/registry.port" ] || free_port >"$dir/registry.port"
  cat >"$dir/registries.conf" <<END
unqualified-search-registries = []
[[registry]]
location = "127.0.0.1:$(cat "$dir/registry.port")"
insecure = true
END
  root || return 0
  podman_conf "$dir/podman" "tmp_dir = \"$dir/podman/tmp\"
static_dir = \"$dir/podman/libpod\"
volume_path = \"$dir/podman/volumes\"
[network]
network_backend = \"netavark\"
network_config_dir = \"$dir/podman/networks\"
default_subnet = \"10.215.0.0/24\""
  cat >"$dir/podman/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$dir/podman/storage"
runroot = "$dir/podman/run"
END
}

write_user_conf() {
  podman_conf "$dir/user" "[network]
network_backend = \"netavark\"
default_rootless_network_cmd = \"slirp4netns\""
  cat >"$dir/user/storage.conf" <<END
[storage]
driver = "$1"
graphroot = "$dir/user/storage"
runroot = "$dir/user/run/containers"
${2-}
END
  chown "$user:" "$dir/user" "$dir/user/"*.conf
}

start_docker() {
  if running "$dir/docker.pid" && on docker version >/dev/null 2>&1; then return; fi
  mkdir -p "$dir/docker"
  if ! ip link show "$bridge" >/dev/null 2>&1; then
    ip link add "$bridge" type bridge
    ip addr add "$subnet.1/24" dev "$bridge"
    ip link set "$bridge" up
  fi
  echo '{}' >"$dir/docker/daemon.json"
  rm -f "$dir/docker.pid"
  setsid /usr/sbin/dockerd --config-file "$dir/docker/daemon.json" --host "unix://$dir/docker.sock" \
    --data-root "$dir/docker/data" --exec-root "$dir/docker/exec" --pidfile "$dir/docker.pid" \
    --bridge "$bridge" --default-address-pool "base=$pools,size=24" --cgroup-parent /para-bench \
    --exec-opt native.cgroupdriver=cgroupfs --default-ulimit nofile=4096:8192 \
    </dev/null >"$dir/docker/log" 2>&1 &
  local i pid=$!
  for i in $(seq 300); do
    on docker version >/dev/null 2>&1 && { say "docker: $(on docker version --format '{{.Server.Version}}')"; return; }
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  tail -5 "$dir/docker/log" >&2
  die "dockerd does not answer, see $dir/docker/log"
}

start_podman() {
  mkdir -p "$dir/podman"
  on podman info >"$dir/podman/info" 2>&1 || { tail -5 "$dir/podman/info" >&2; die "podman does not work as root"; }
}

start_rootless() {
  if [ -e "$dir/ok.rootless" ]; then return; fi
  if ! getent passwd "$user" >/dev/null; then
    useradd --home-dir "$dir/user" --no-create-home --shell /bin/bash "$user"
    touch "$dir/saved/user-created"
  fi
  grep -q "^$user:" /etc/subuid || usermod --add-subuids 300000-365535 "$user"
  grep -q "^$user:" /etc/subgid || usermod --add-subgids 300000-365535 "$user"
  mkdir -p "$dir/user/run"
  chown "$user:" "$dir/user" "$dir/user/run"
  chmod 700 "$dir/user/run"
  runuser -u "$user" -- test -w "$dir/user/run" || die "$user cannot reach $dir: set PARA_BENCH_DIR to a folder all users can enter"
  mkdir -p /dev/net
  [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
  chmod 666 /dev/net/tun
  [ ! -e /dev/fuse ] || chmod 666 /dev/fuse
  # Native overlay where the kernel allows it to users, then fuse-overlayfs, then copies.
  local try log=$dir/user/info
  for try in overlay fuse vfs; do
    case $try in
      fuse) write_user_conf overlay "[storage.options.overlay]
mount_program = \"/usr/bin/fuse-overlayfs\"" ;;
      *) write_user_conf "$try" ;;
    esac
    if on rootless info >"$log" 2>&1 && try_mount; then
      say "rootless: storage $try"
      return
    fi
    rm -rf "$dir/user/storage" "$dir/user/run/containers"
  done
  tail -5 "$log" >&2
  die "podman does not work as $user"
}
try_mount() {
  on rootless import -q "$dir/cache/busybox.tar" "$busybox" >>"$dir/user/info" 2>&1 &&
    on rootless run --rm --network none "$busybox" true >>"$dir/user/info" 2>&1
}

busybox_tar() {
  [ ! -s "$dir/cache/busybox.tar" ] || return 0
  local r=$dir/cache/busybox.tmp
  rm -rf "$r"
  mkdir -p "$r"/{bin,dev,etc,home,proc,root,run,sys,usr,var,tmp}
  chmod 1777 "$r/tmp"
  cp "$(command -v busybox)" "$r/bin/busybox"
  local applet
  for applet in $("$r/bin/busybox" --list); do [ "$applet" = busybox ] || ln -s busybox "$r/bin/$applet"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n' >"$r/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$r/etc/group"
  tar -C "$r" --numeric-owner --owner=0 --group=0 -cf "$dir/cache/busybox.part" .
  mv "$dir/cache/busybox.part" "$dir/cache/busybox.tar"
  rm -rf "$r"
}

# The Debian mirror this machine is set to use.
mirror() {
  { grep -rhE '^(URIs:|deb )' /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
    grep -oE '(https?|file)://[^ ]+' | grep -vE 'security' | head -1
}

base_tar() {
  [ ! -s "$dir/cache/base.tar" ] || return 0
  local r=$dir/cache/base.tmp from
  from=$(mirror)
  [ -n "$from" ] || die "no Debian mirror in this machine's apt sources"
  say "building the Debian root (once)"
  rm -rf "$r"
  debootstrap --variant=minbase --include=git bookworm "$r" "$from" >"$dir/cache/debootstrap.log" 2>&1 ||
    { tail -5 "$dir/cache/debootstrap.log" >&2; die "debootstrap failed"; }
  rm -rf "$r"/var/cache/apt/* "$r"/var/lib/apt/lists/* "$r"/usr/share/{doc,man,info,locale,i18n}
  tar -C "$r" --numeric-owner --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf "$dir/cache/base.part" .
  mv "$dir/cache/base.part" "$dir/cache/base.tar"
  rm -rf --one-file-system "$r"
  say "Debian root: $(du -h "$dir/cache/base.tar" | cut -f1)"
}

# load ENGINE IMAGE TAR
load() {
  ! on "$1" image inspect "$2" >/dev/null 2>&1 || return 0
  on "$1" import --change 'CMD ["sh"]' "$3" "$2" >"$dir/$1.import" 2>&1 || { tail -3 "$dir/$1.import" >&2; die "$1: cannot import $2"; }
  if [ "$1" = docker ]; then on docker tag "$2" "${2#localhost/}"; fi
}

# Create, start, exec and remove a container for real.
verify() {
  local name=para-bench-check
  on "$1" rm -f "$name" >/dev/null 2>&1 || true
  on "$1" create --name "$name" --pull never "$busybox" sleep 300 >/dev/null
  on "$1" start "$name" >/dev/null
  [ "$(on "$1" exec "$name" echo works)" = works ] || die "$1: exec does not work"
  on "$1" kill "$name" >/dev/null
  on "$1" rm -f "$name" >/dev/null
  touch "$dir/ok.$1"
  say "$1: works"
}

start_registry() {
  local host
  host=127.0.0.1:$(cat "$dir/registry.port")
  if running "$dir/registry.pid"; then return; fi
  mkdir -p "$dir/registry"
  cat >"$dir/registry/config.yml" <<END
version: 0.1
log: { level: warn }
storage: { filesystem: { rootdirectory: $dir/registry/data } }
http: { addr: "$host" }
END
  setsid docker-registry serve "$dir/registry/config.yml" </dev/null >"$dir/registry/log" 2>&1 &
  echo $! >"$dir/registry.pid"
  local i
  for i in $(seq 100); do
    sleep 0.1
    running "$dir/registry.pid" || break
    ! (exec 3<>"/dev/tcp/${host/://}") 2>/dev/null || return 0
  done
  tail -3 "$dir/registry/log" >&2
  die "the registry does not start"
}

fill_registry() {
  [ ! -e "$dir/ok.registry" ] || return 0
  local image engine
  image=127.0.0.1:$(cat "$dir/registry.port")/para-test/busybox:1
  for engine in docker podman rootless; do
    [ -e "$dir/ok.$engine" ] || continue
    on "$engine" tag "$busybox" "$image"
    on "$engine" push "$image" >"$dir/registry/push" 2>&1 || { tail -3 "$dir/registry/push" >&2; die "cannot push to the registry"; }
    on "$engine" rmi "$image" >/dev/null
    touch "$dir/ok.registry"
    say "registry: $image"
    return
  done
  die "the registry needs one engine to be up"
}

json_env() {
  local first=1 line
  printf '{'
  while IFS= read -r line; do
    [ -n "$first" ] || printf ', '
    first=
    printf '"%s": "%s"' "${line%%=*}" "${line#*=}"
  done < <(env_of "$1")
  printf '}'
}

write_json() {
  local comma= engine uid gid prefix
  {
    echo '{'
    for engine in docker podman rootless; do
      [ -e "$dir/ok.$engine" ] || continue
      uid=$(id -u) gid=$(id -g) prefix='[]'
      if [ "$engine" = rootless ] && root; then
        uid=$(id -u "$user") gid=$(id -g "$user") prefix="[\"runuser\", \"-u\", \"$user\", \"--\"]"
      fi
      printf '  "%s": { "env": %s, "user": "%s", "uid": %s, "gid": %s, "prefix": %s },\n' \
        "$engine" "$(json_env "$engine")" "$(id -un "$uid")" "$uid" "$gid" "$prefix"
    done
    if [ -e "$dir/ok.registry" ]; then
      local host
      host=127.0.0.1:$(cat "$dir/registry.port")
      printf '  "registry": { "host": "%s", "image": "%s/para-test/busybox:1" },\n' "$host" "$host"
    fi
    printf '  "images": { "base": "%s", "busybox": "%s" }\n}\n' "$base" "$busybox"
  } >"$dir/bench.json.part"
  mv "$dir/bench.json.part" "$dir/bench.json"
}

wants() { case " $wanted " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# Is everything that was asked for up and answering?
ready() {
  local part
  [ -e "$dir/bench.json" ] && [ "$(cat "$dir/boot" 2>/dev/null)" = "$(boot)" ] || return 1
  for part in $wanted; do
    [ -e "$dir/ok.$part" ] || return 1
    case $part in
      registry) running "$dir/registry.pid" || return 1 ;;
      *) on "$part" image inspect "$busybox" ${images_large:+"$base"} >/dev/null 2>&1 || return 1 ;;
    esac
  done
}

# Background steps: every one has to succeed.
steps=()
step() { "$@" & steps+=($!); }
join() {
  local pid failed=0
  for pid in ${steps[@]+"${steps[@]}"}; do wait "$pid" || failed=1; done
  steps=()
  [ "$failed" = 0 ] || die "failed"
}

engine_up() {
  "start_$1"
  load "$1" "$busybox" "$dir/cache/busybox.tar"
  verify "$1"
}

up_root() {
  local packages=(ca-certificates) engine
  if wants docker; then packages+=(docker.io containerd runc iptables iproute2 tini); fi
  if wants podman || wants rootless; then packages+=(podman runc netavark aardvark-dns catatonit iptables); fi
  if wants rootless; then packages+=(slirp4netns fuse-overlayfs uidmap); fi
  if wants registry; then packages+=(docker-registry); fi
  if [ -n "$images_large" ]; then packages+=(debootstrap); fi
  install_packages "${packages[@]}" busybox-static
  boot >"$dir/boot"
  remember
  write_conf
  busybox_tar
  if [ -n "$images_large" ]; then step base_tar; fi
  for engine in docker podman rootless; do if wants "$engine"; then step engine_up "$engine"; fi; done
  if wants registry; then step start_registry; fi
  join
  if [ -n "$images_large" ]; then
    for engine in docker podman rootless; do if wants "$engine"; then step load "$engine" "$base" "$dir/cache/base.tar"; fi; done
  fi
  if wants registry; then step fill_registry; fi
  join
}

# An ordinary user: nothing is installed, no engine started; the images are made of this machine's own programs.
up_user() {
  local engine
  boot >"$dir/boot"
  rm -f "$dir"/ok.*
  have busybox || die "busybox is missing: sudo apt-get install busybox-static"
  write_conf
  busybox_tar
  for engine in docker rootless; do
    wants "$engine" || continue
    on "$engine" info >/dev/null 2>&1 || die "$engine: no engine answers: install and start it, or leave it out"
    load "$engine" "$busybox" "$dir/cache/busybox.tar"
    on "$engine" image inspect "$base" >/dev/null 2>&1 || local_image "$engine"
    verify "$engine"
  done
  ! wants podman || die "podman as root needs root"
  if wants registry; then
    have docker-registry || die "docker-registry is missing: sudo apt-get install docker-registry"
    start_registry
    fill_registry
  fi
}

local_image() {
  local binary=podman
  [ "$1" != docker ] || binary=docker
  "$(dirname "${BASH_SOURCE[0]}")/local-image.sh" "$binary" "$base" >"$dir/$1.import" 2>&1 ||
    { tail -3 "$dir/$1.import" >&2; die "$1: cannot make $base"; }
}

up() {
  if ready; then say "up: $wanted"; return; fi
  if [ -e "$dir/boot" ] && [ "$(cat "$dir/boot")" != "$(boot)" ]; then down; fi
  mkdir -p "$dir/cache"
  if root; then up_root; else up_user; fi
  write_json
  say "up: $wanted, in $SECONDS s"
}

kill_pid() {
  running "$1" || return 0
  local pid i
  pid=$(cat "$1")
  kill "$pid" 2>/dev/null || true
  for i in $(seq 150); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
}

remove_all() {
  local ids
  ids=$(on "$1" ps -aq 2>/dev/null) || return 0
  # shellcheck disable=SC2086
  [ -z "$ids" ] || on "$1" rm -f $ids >/dev/null 2>&1 || true
  ids=$(on "$1" network ls -q --filter type=custom 2>/dev/null) || return 0
  # shellcheck disable=SC2086
  [ -z "$ids" ] || on "$1" network rm $ids >/dev/null 2>&1 || true
}

# Processes whose command line names the bench folder (conmon, shims, slirp4netns), and the user's own.
leftover() {
  pgrep -f -- "$dir/(docker|podman|user|registry)" || true
  [ ! -e "$dir/saved/user-created" ] || pgrep -u "$user" || true
}

# Take only the engines' own chains and rules out again.
restore_tables() {
  local tables policy
  for tables in iptables ip6tables; do
    [ -e "$dir/saved/$tables" ] && ! grep -qE 'DOCKER|NETAVARK' "$dir/saved/$tables" || continue
    policy=$(sed -n 's/^:FORWARD \([A-Z]*\).*/\1/p' "$dir/saved/$tables" | head -1)
    "$tables-save" 2>/dev/null | grep -q -E 'DOCKER|NETAVARK' || continue
    "$tables-save" 2>/dev/null | grep -vE 'DOCKER|NETAVARK|'"$bridge|$subnet" |
      sed "s/^:FORWARD [A-Z]*/:FORWARD ${policy:-ACCEPT}/" | "$tables-restore" 2>/dev/null || say "could not restore $tables"
  done
}

down() {
  local engine pid point file i
  if ! root; then
    kill_pid "$dir/registry.pid"
    rm -rf "$dir"
    say "down"
    return
  fi
  [ -d "$dir" ] || return 0
  if [ "$(cat "$dir/boot" 2>/dev/null)" = "$(boot)" ]; then
    for engine in docker podman rootless; do [ ! -e "$dir/ok.$engine" ] || step remove_all "$engine"; done
    join
    kill_pid "$dir/docker.pid"
    kill_pid "$dir/registry.pid"
    for i in TERM TERM KILL; do
      pid=$(leftover | sort -u)
      [ -n "$pid" ] || break
      # shellcheck disable=SC2086
      kill "-$i" $pid 2>/dev/null || true
      sleep 0.3
    done
  fi
  for i in 1 2 3; do
    awk -v d="$dir/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r point; do
      umount "$point" 2>/dev/null || umount -l "$point" 2>/dev/null || true
    done
  done
  ip link del "$bridge" 2>/dev/null || true
  if [ -d "$dir/saved" ]; then
    restore_tables
    cat "$dir/saved/ip_forward" >/proc/sys/net/ipv4/ip_forward 2>/dev/null || true
    for file in /dev/net/tun /dev/fuse; do
      [ ! -e "$dir/saved/mode${file//\//-}" ] || chmod "$(cat "$dir/saved/mode${file//\//-}")" "$file"
    done
    [ ! -e "$dir/saved/no-dev-shm-libpod_lock" ] || rm -f /dev/shm/libpod_lock
    if [ -e "$dir/saved/user-created" ]; then
      rm -f "/dev/shm/libpod_rootless_lock_$(id -u "$user")"
      userdel "$user" 2>/dev/null || say "could not remove the user $user"
    fi
  fi
  find /sys/fs/cgroup -depth -type d \( -path '*/para-bench/*' -o -name para-bench -o -name libpod_parent \) -exec rmdir {} + 2>/dev/null || true
  find "$dir" -mindepth 1 -maxdepth 1 ! -name cache ! -name lock -exec rm -rf --one-file-system {} +
  say "down"
}

print_env() {
  [ -e "$dir/bench.json" ] || die "not up: run scripts/engines.sh up"
  local engine
  for engine in docker podman rootless; do
    [ -e "$dir/ok.$engine" ] || continue
    echo "# $engine"
    env_of "$engine" | sed 's/^\([A-Z_]*\)=\(.*\)$/export \1='"'\2'"'/'
  done
}

status() {
  local engine all=0
  for engine in docker podman rootless registry; do
    wanted=$engine
    if ready; then echo "$engine up"; else echo "$engine down"; all=1; fi
  done
  return $all
}

command=${1-}
[ $# = 0 ] || shift
if [ "$command" = packages ]; then
  mkdir -p "$dir"
  install_packages "$@"
  exit
fi
wanted="$*"
if [ -z "$wanted" ]; then
  wanted='docker podman rootless'
  root || wanted='docker rootless'
fi
for part in $wanted; do
  case $part in docker | podman | rootless | registry) ;; *) die "unknown engine: $part" ;; esac
done
[ ${#dir} -le 60 ] || die "$dir is too long for a socket: set PARA_BENCH_DIR to a short path"

case $command in
  up | down)
    mkdir -p "$dir"
    [ -O "$dir" ] || die "$dir belongs to someone else: set PARA_BENCH_DIR"
    chmod 755 "$dir"
    # One at a time; -o keeps the lock out of the daemons.
    if [ -z "${PARA_BENCH_LOCKED-}" ] && have flock; then
      exec env PARA_BENCH_LOCKED=1 flock -o -w 600 "$dir/lock" "${BASH_SOURCE[0]}" "$command" $wanted
    fi
    "$command"
    ;;
  env) print_env ;;
  status) status ;;
  where) echo "$dir" ;;
  *) die "usage: engines.sh up [docker] [podman] [rootless] [registry] | down | env | status | where | packages NAME..." ;;
esac
