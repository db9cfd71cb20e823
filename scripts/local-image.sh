#!/usr/bin/env bash
# Builds a small image from this machine's own sh, git and a few tools, without any download.
# Usage: scripts/local-image.sh ENGINE REFERENCE   (ENGINE: docker or podman)
set -euo pipefail

engine=$1 reference=$2
umask 022
root=$(mktemp -d)
chmod 755 "$root" # it becomes the container's own /, which any user has to enter
trap 'rm -rf "$root"' EXIT

# Copies a program with the libraries it loads.
add() {
  local file
  file=$(readlink -f "$(type -P "$1")")
  install -D "$file" "$root/usr/bin/$1"
  ldd "$file" 2>/dev/null | grep -o '/[^ ]*' | sort -u | while read -r library; do
    [ -e "$root$library" ] || install -D "$(readlink -f "$library")" "$root$library"
  done
}

mkdir -p "$root"/{usr/bin,tmp,workspace,etc,proc,sys,dev,run,root}
ln -s usr/bin "$root/bin"
for library in lib lib64; do
  if [ -L "/$library" ]; then ln -s "usr/$library" "$root/$library"; mkdir -p "$root/usr/$library"; fi
done
for program in sh git cat ls sleep id mkdir rm mv cp ln tr grep env uname touch head tail sort wc date printf test chmod dd od tee stat stty tty readlink find seq df sed kill true false; do add "$program"; done
chmod 1777 "$root/tmp"
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
tar -C "$root" -c . | "$engine" import - "$reference" >/dev/null
