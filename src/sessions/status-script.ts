/**
 * `para-status`: what a program in a container calls to say what it is doing. POSIX sh for busybox ash and dash; needs
 * tr, sed, tail, date, mv, mkdir, rm. Each call changes what it names and keeps the rest; the file is replaced whole,
 * because one that is written in place is read torn (facts/security-reliability.md §5).
 */
export const STATUS_SCRIPT = `#!/bin/sh
set -u
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
text() { printf '%s' "$1" | tr '\\000-\\037\\177' ' ' | sed 's/\\\\/\\\\\\\\/g; s/"/\\\\"/g'; }
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
      keep "service.$name" "\\"$name\\":\\"\${value#*=}\\""
      ;;
    --error) add errors "$value" ;;
    --warning) add warnings "$value" ;;
    *) die "$option is no option" ;;
  esac
done

of() { if [ -s "$dir/$1" ]; then read -r line <"$dir/$1" || :; printf '%s' "$line"; else printf '%s' "$2"; fi; }
list() { if [ -s "$dir/$1" ]; then tr '\\n' ',' <"$dir/$1" | sed 's/,$//'; fi; }
seq=$(of seq 0)
case $seq in *[!0-9]* | ??????????*) seq=0 ;; esac
keep seq "$((seq + 1))"
services=''
for file in "$dir"/service.*; do
  [ -f "$file" ] || continue
  services=$services\${services:+,}$(of "\${file##*/}" '')
done
{
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
  for name in errors warnings; do [ ! -s "$dir/$name" ] || printf ',"%s":[%s]' "$name" "$(list "$name")"; done
  printf '}\\n'
} >"$out/.status.json.$$" && mv -f "$out/.status.json.$$" "$out/status.json"
`;
