/**
 * The runner: the main process of a container. It says that it is up and alive, runs the commands that the host queues,
 * and ends everything in order when the container is told to stop. POSIX sh, so that it works under busybox ash and
 * dash; no program but mkdir, mv, sleep, grep, wc, cp and rm.
 *
 * The host's side is read-only here: `queue/P-NNNNNN-ID.sh` (P: 0 is most urgent; the first line may be
 * `#timeout SECONDS`), `.signal` (`NAME ID`), `.shutdown`, and `ID.cancel`. This side: `ready` (new at each start),
 * `heartbeat` (uptime in seconds, pid), and for each command the directory `queue/ID`, whose making is the claim: so no
 * command runs twice, and one that was claimed and has no `exit` was interrupted (facts/security-reliability.md §5).
 *
 * A command that is cancelled or takes too long is told to end with all that it has started, and killed when it does not.
 * A program that clears its environment, forks twice and lets its parents end is nobody's then: it can outlive the
 * command, until the container stops, but keeps no other one waiting.
 */
export const RUNNER_SCRIPT = `set -u
cmd=\${PARA_COMMAND_DIR:-/run/para/cmd} out=\${PARA_STATUS_DIR:-/run/para/out}
work=\${PARA_WORKSPACE:-/workspace} grace=\${PARA_STOP_GRACE:-8} cap=\${PARA_OUTPUT_BYTES:-67108864}
mercy=\${PARA_KILL_GRACE:-5} quick=\${PARA_RUNNER_NAP:-1} stop='' woken='' job='' pid='' began=0 limit=0 reason='' doomed='' killed='' beaten=-99 busy=0 nap=''

uptime() { read -r up rest </proc/uptime && up=\${up%%.*}; }
put() { printf '%s\\n' "$2" >"$1.tmp" && mv -f "$1.tmp" "$1"; }

if [ -f "$cmd/session" ]; then read -r PARA_SESSION <"$cmd/session" && export PARA_SESSION; fi
mkdir -p "$out/queue" || exit 97
: >"$out/ready" || exit 97
trap 'stop=1' TERM INT
trap 'woken=1' USR1

beat() {
  [ "$((up - beaten))" -ge 4 ] || return 0
  put "$out/heartbeat" "$up $$" && beaten=$up
}

# /proc/PID -> state, parent, birth: what comes after the program's name, which may hold blanks and brackets.
look() {
  read -r line 2>/dev/null <"$1/stat" || return 1
  set -- \${line##*') '}
  state=\${1-} parent=\${2-} birth=\${20-}
}

# Everything that belongs to the command $1 -> kin: ' PID:BIRTH PID:BIRTH '. That is what $2 names (PID, or PID:BIRTH of
# an earlier look), what carries the command's id in its environment, whoever started it, and all that these have started,
# with any environment. Only what has cleared its environment and lost its parents before this look is not found.
gather() {
  kin=' ' all='' was=''
  for proc in /proc/[0-9]*; do
    one=\${proc##*/}
    [ "$one" != 1 ] && [ "$one" != "$$" ] && look "$proc" && [ "$state" != Z ] || continue
    all="$all $one:$birth:$parent"
    case " $2 " in
      *" $one "* | *" $one:$birth "*) ;;
      *) grep -q "PARA_COMMAND_ID=$1" "$proc/environ" 2>/dev/null || continue ;;
    esac
    kin="$kin$one:$birth "
  done
  until [ "$kin" = "$was" ]; do
    was=$kin
    for one in $all; do
      parent=\${one##*:} one=\${one%:*}
      case $kin in *" $one "*) ;; *" $parent:"*) kin="$kin$one " ;; esac
    done
  done
}

# The signal $1 for all of kin, but not for the process $2.
hit() {
  for one in $kin; do
    one=\${one%%:*}
    [ "$one" = "$2" ] || kill -s "$1" "$one" 2>/dev/null
  done
  return 0
}

# name P-NNNNNN-ID.KIND -> id, kind; false for what is no queued command.
parse() {
  kind=\${1##*.} id=\${1##*/}
  id=\${id%.*}
  case $id in [0-9]-[0-9][0-9][0-9][0-9][0-9][0-9]-?*) id=\${id#?-??????-} ;; *) return 1 ;; esac
  case $id in *[!0-9A-Za-z_-]*) return 1 ;; esac
}

begin() {
  job=$out/queue/$id began=$up limit=0 reason='' doomed='' killed='' busy=$up
  read -r first <"$1" || first=''
  case $first in '#timeout '*[!0-9]*) ;; '#timeout '?*) limit=\${first#'#timeout '} ;; esac
  put "$job/started" "$up"
  (
    cd "$work" || exit 126
    PARA_COMMAND_ID=$id
    export PARA_COMMAND_ID
    trap - TERM INT USR1
    sh "$1" </dev/null >>"$job/stdout" 2>>"$job/stderr"
    code=$?
    put "$job/exit" "$code"
    kill -s USR1 "$$" 2>/dev/null
  ) &
  pid=$!
}

# What came last is kept, at most about twice the limit.
trim() {
  for file in "$job/stdout" "$job/stderr"; do
    [ -e "$file" ] || continue
    if [ "$(wc -c <"$file")" -gt "$cap" ]; then cp "$file" "$file.1" && : >"$file"; fi
  done
}

# The command has to end. Its shell is left to say how it did.
ask() {
  put "$job/reason" "$reason"
  gather "\${job##*/}" "$pid"
  doomed=$kin began=$up
  hit TERM "$pid"
}

# One that was told to end: true when nothing is left of it, or nothing more can be done.
insist() {
  [ -z "$killed" ] || return 0
  gather "\${job##*/}" "$pid $doomed"
  [ "$kin" != ' ' ] || return 0
  [ "$((up - began))" -ge "$mercy" ] || return 1
  # While they stand still nobody makes another.
  hit STOP "$pid"
  gather "\${job##*/}" "$pid $doomed"
  hit KILL ''
  killed=1
  return 1
}

# The command that runs: has it ended, has it to end, has it printed too much?
watch() {
  [ -n "$job" ] || return 0
  busy=$up
  trim
  if [ -n "$reason" ]; then
    insist || return 0
  elif kill -0 "$pid" 2>/dev/null; then
    if [ -e "$cmd/queue/\${job##*/}.cancel" ]; then reason=cancelled; fi
    if [ "$limit" -gt 0 ] && [ "$((up - began))" -ge "$limit" ]; then reason=timeout; fi
    [ -z "$reason" ] || ask
    return 0
  fi
  # Whatever can not even be killed: the next command does not wait for it.
  if [ -n "$killed" ] && kill -0 "$pid" 2>/dev/null; then code=137; else wait "$pid"; code=$?; fi
  # Its shell was killed before it could say so.
  [ -e "$job/exit" ] || put "$job/exit" "$code"
  job='' pid=''
}

claim() { [ ! -e "$out/queue/$id" ] && [ ! -e "$cmd/queue/$id.cancel" ] && mkdir "$out/queue/$id" 2>/dev/null; }

# The signal $1 for the command $2; the shell that writes down how the command that runs ends is none of it.
tell() {
  if [ "$job" = "$out/queue/$2" ]; then shell=$pid; else shell=''; fi
  gather "$2" "$shell"
  hit "$1" "$shell"
}

# What can not wait for the command that runs.
control() {
  for file in "$cmd"/queue/*.signal "$cmd"/queue/*.shutdown; do
    [ -f "$file" ] && parse "$file" && claim || continue
    if [ "$kind" = shutdown ]; then stop=1; else
      read -r name target <"$file"
      case $name$target in *[!0-9A-Za-z_-]*) ;; *) tell "$name" "$target" ;; esac
    fi
    put "$out/queue/$id/exit" 0
  done
}

next() {
  for file in "$cmd"/queue/*.sh; do
    [ -z "$job" ] || return 0
    [ -f "$file" ] && parse "$file" && claim || continue
    begin "$file"
  done
}

# Everybody is asked to end, and has time for it; what is left the engine ends.
finish() {
  uptime
  end=$((up + grace))
  [ -z "$job" ] || put "$job/reason" shutdown
  # Never where this is not a container's first process: -1 is everybody.
  if [ "$PPID" -le 1 ] && [ "$$" -lt 50 ]; then kill -s TERM -1 2>/dev/null; fi
  while uptime && [ "$up" -lt "$end" ] && others; do sleep 0.1 2>/dev/null || sleep 1; done
  if [ -n "$job" ] && [ ! -e "$job/exit" ]; then put "$job/exit" 143; fi
  rm -f "$out/heartbeat"
  exit 0
}

# Somebody besides the container's init and this shell.
others() {
  for proc in /proc/[0-9]*; do
    one=\${proc##*/}
    if [ "$one" = 1 ] || [ "$one" = "$$" ] || ! read -r line 2>/dev/null <"$proc/stat"; then continue; fi
    case $line in *') Z '*) continue ;; esac
    return 0
  done
  return 1
}

while :; do
  uptime
  beat
  control
  [ -z "$stop" ] || finish
  watch
  # Off: another program takes the commands (docs/status-protocol.md).
  # Held: its secrets are not in yet, and what was queued may need them.
  [ -n "$job" ] || [ "\${PARA_RUNNER-}" = off ] || [ -e "$cmd/held" ] || next
  if [ -z "$woken$stop" ]; then
    # Quick while there is work, and cheap when there is none.
    if [ "$((up - busy))" -lt 30 ]; then sleep "$quick" & else sleep 2 & fi
    nap=$!
    wait "$nap"
    kill "$nap" 2>/dev/null
  fi
  woken=''
done
`;
