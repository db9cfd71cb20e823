/**
 * `para-status`: what a program in a container calls to say what it is doing. POSIX sh for busybox ash and dash; needs
 * tr, sed, tail, wc, date, mv, mkdir, rm. Each call changes what it names and keeps the rest; the file is replaced whole,
 * because one that is written in place is read torn (facts/security-reliability.md §5). What the host would not take
 * (status-file.ts) is never written: of a long text the beginning is kept, of many long errors the last, and of what is
 * not UTF-8 what is (by iconv, or else its ASCII).
 */
export const STATUS_SCRIPT = `#!/bin/sh
set -u
# A byte is a byte, whatever the language.
LC_ALL=C
export LC_ALL
out=\${PARA_STATUS_DIR:-/run/para/out} dir=$out/.status most=20

usage() {
  cat <<'END'
para-status [--status WORD] [--phase TEXT] [--progress N/M] [--message TEXT]
            [--tests passed|failed|running|unknown] [--todos N/M] [--blocked|--no-blocked]
            [--service NAME=STATE] [--health healthy|unhealthy] [--error TEXT] [--warning TEXT] [--clear]
Tells the host what this session is doing. Each call changes what it names and keeps the rest.
Words: starting running waiting done failed. States: starting running stopped failed.
END
}
die() {
  printf 'para-status: %s\\n' "$1" >&2
  exit 2
}
# What is left of UTF-8 when each of its characters (RFC 3629) that is more than a byte is a dot: nothing but ASCII.
dots() {
  some=$(printf 's/[\\302-\\337]R/./g;s/\\340[\\240-\\277]R/./g;s/[\\341-\\354\\356\\357]RR/./g;s/\\355[\\200-\\237]R/./g')
  more=$(printf 's/\\360[\\220-\\277]RR/./g;s/[\\361-\\363]RRR/./g;s/\\364[\\200-\\217]RR/./g')
  printf '%s\\n' "$1" | sed "$(printf '%s;%s' "$some" "$more" | sed "s/R/$(printf '[\\200-\\277]')/g")"
}
is_utf8() { [ -z "$(dots "$1" | tr -d '\\001-\\177')" ]; }
utf8() {
  line=$1
  case $line in *[!\\ -~]*) ;; *) printf '%s' "$line"; return ;; esac
  # It may have been cut within its last character.
  [ "\${#line}" -lt 2000 ] || is_utf8 "$line" || line=$(printf '%s\\n' "$line" | sed "$(printf 's/[\\300-\\377][\\200-\\277]*$//')")
  if ! is_utf8 "$line"; then
    valid=$(printf '%s' "$line" | iconv -c -f UTF-8 -t UTF-8 2>/dev/null)
    if [ -n "$valid" ] && is_utf8 "$valid"; then line=$valid; else line=$(printf '%s' "$line" | tr -d '\\200-\\377'); fi
  fi
  printf '%s' "$line"
}
text() { utf8 "$(printf '%.2000s' "$1" | tr '\\000-\\037\\177' ' ')" | sed 's/\\\\/\\\\\\\\/g; s/"/\\\\"/g'; }
keep() { printf '%s' "$2" >"$dir/$1"; }
number() { case $1 in '' | *[!0-9]* | 0?* | ??????????*) die "$2 is not N/M" ;; esac; }
pair() {
  case $1 in */*) ;; *) die "$1 is not N/M" ;; esac
  number "\${1%%/*}" "$1"
  number "\${1#*/}" "$1"
  [ "\${1%%/*}" -le "\${1#*/}" ] || die "$1: there are only \${1#*/}"
}
among() {
  for word in $3; do [ "$1" != "$word" ] || return 0; done
  die "$2 $1: one of $3"
}
add() {
  printf '"%s"\\n' "$(text "$2")" >>"$dir/$1"
  tail -n "$most" "$dir/$1" >"$dir/$1.tmp" && mv -f "$dir/$1.tmp" "$dir/$1"
}
# The host takes 50 services, with names of 64 characters.
room() {
  [ "\${#1}" -le 64 ] || die "--service $1: that name is too long"
  set -- "$1" "$dir"/service.*
  [ "$#" -le 50 ] || [ -e "$dir/service.$1" ] || die "--service $1: there are 50 already"
}
need() { [ "$1" -ge 2 ] || die "$2 needs a value"; }

[ "$#" -gt 0 ] || { usage >&2; exit 2; }
case $1 in -h | --help) usage; exit 0 ;; esac
mkdir -p "$dir" || exit 1
# One at a time; a lock that somebody left is broken.
tries=0
until mkdir "$dir/lock" 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 30 ] || rm -rf "$dir/lock"
  sleep 0.1 2>/dev/null || sleep 1
done
trap 'rm -rf "$dir/lock"' EXIT

while [ "$#" -gt 0 ]; do
  case $1 in
    --blocked) keep blocked true; shift; continue ;;
    --no-blocked) keep blocked false; shift; continue ;;
    --clear)
      for file in "$dir"/*; do case $file in */lock | */seq) ;; *) rm -f "$file" ;; esac done
      shift
      continue
      ;;
    --*=*) option=\${1%%=*} value=\${1#*=}; shift ;;
    --*) need "$#" "$1"; option=$1 value=$2; shift 2 ;;
    *) die "$1 is no option" ;;
  esac
  case $option in
    --status) among "$value" "$option" 'starting running waiting done failed'; keep status "\\"$value\\"" ;;
    --phase) keep phase "\\"$(text "$value")\\"" ;;
    --message) keep message "\\"$(text "$value")\\"" ;;
    --progress) pair "$value"; keep progress "\\"current\\":\${value%%/*},\\"total\\":\${value#*/}" ;;
    --todos) pair "$value"; keep todos "{\\"done\\":\${value%%/*},\\"total\\":\${value#*/}}" ;;
    --tests) among "$value" "$option" 'passed failed running unknown'; keep tests "\\"$value\\"" ;;
    --health) among "$value" "$option" 'healthy unhealthy'; keep health "\\"$value\\"" ;;
    --service)
      name=\${value%%=*}
      case $name in "$value" | '' | *[!0-9A-Za-z_.-]*) die "--service $value is not NAME=STATE" ;; esac
      among "\${value#*=}" "$option" 'starting running stopped failed'
      room "$name"
      keep "service.$name" "\\"$name\\":\\"\${value#*=}\\""
      ;;
    --error) add errors "$value" ;;
    --warning) add warnings "$value" ;;
    *) die "$option is no option" ;;
  esac
done

of() { if [ -s "$dir/$1" ]; then read -r line <"$dir/$1" || :; printf '%s' "$line"; else printf '%s' "$2"; fi; }
list() { tail -n "$most" "$dir/$1" | tr '\\n' ',' | sed 's/,$//'; }
seq=$(of seq 0)
case $seq in *[!0-9]* | ??????????*) seq=0 ;; esac
keep seq "$((seq + 1))"
services=''
for file in "$dir"/service.*; do
  [ -f "$file" ] || continue
  services=$services\${services:+,}$(of "\${file##*/}" '')
done
document() {
  printf '{"v":1,"seq":%s,"timestamp":"%s","status":%s' "$((seq + 1))" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(of status '"running"')"
  for name in health phase message tests todos blocked; do
    [ ! -s "$dir/$name" ] || printf ',"%s":%s' "$name" "$(of "$name" '')"
  done
  if [ -s "$dir/progress" ]; then
    printf ',"progress":{%s' "$(of progress '')"
    [ ! -s "$dir/message" ] || printf ',"message":%s' "$(of message '')"
    printf '}'
  fi
  [ -z "$services" ] || printf ',"services":{%s}' "$services"
  for name in errors warnings; do
    [ "$most" -eq 0 ] || [ ! -s "$dir/$name" ] || printf ',"%s":[%s]' "$name" "$(list "$name")"
  done
  printf '}\\n'
}
# The host takes no more than 64 KiB: of many long errors it gets fewer.
new=$out/.status.json.$$
until document >"$new" && { [ "$most" -eq 0 ] || [ "$(wc -c <"$new")" -le 65536 ]; }; do
  [ "$most" -gt 0 ] || { rm -f "$new"; exit 1; }
  most=$((most / 2))
done
mv -f "$new" "$out/status.json"
`;
