/**
 * The script that starts an agent in the background and writes down how it ended, whoever is gone by then. The same
 * on this machine and in a container, so it is POSIX sh and runs under busybox ash and dash.
 *
 *     agent.sh launch BASE ID PROMPT MAX EVERY PROGRAM [WORD]...
 *
 * prints the pid and ends; 127: there is no PROGRAM, 126: it can not be run. BASE.pid, BASE.log and BASE.end are
 * its files. The prompt comes from the file PROMPT, so that only an agent that wants it there has it in its argv.
 * PARA_AGENT_SECRETS names what PROGRAM alone gets as variables, as VARIABLE=SECRET, of the files in PARA_SECRETS_DIR.
 * Every EVERY seconds a log of more than MAX bytes becomes BASE.log.1, so that what came last is kept.
 */
export const AGENT_SCRIPT = `set -u
mode=$1 base=$2 id=$3 prompt=$4 max=$5 every=$6
shift 6

if [ "$mode" = launch ]; then
  case $1 in */*) [ ! -e "$1" ] || [ -x "$1" ] || exit 126 ;; esac
  command -v -- "$1" >/dev/null 2>&1 || exit 127
  sh "$0" supervise "$base" "$id" "$prompt" "$max" "$every" "$@" </dev/null >/dev/null 2>&1 &
  echo "$!"
  exit 0
fi

put() { printf '%s\\n' "$2" >"$1.tmp" && mv -f "$1.tmp" "$1"; }
put "$base.pid" "$$"
# The terminal that para was typed in may close.
trap '' HUP
(umask 077 && : >"$base.log")

mark='{prompt}'
para_prompt=$(cat -- "$prompt")
left=$#
while [ "$left" -gt 0 ]; do
  para_word=$1
  shift
  left=$((left - 1))
  case $para_word in
    # A blank before it keeps a prompt that begins with a dash from being read as an option.
    "$mark") case $para_prompt in -*) para_word=" $para_prompt" ;; *) para_word=$para_prompt ;; esac ;;
    *"$mark"*) para_word=\${para_word%%"$mark"*}$para_prompt\${para_word#*"$mark"} ;;
  esac
  set -- "$@" "$para_word"
done

# Before there is a trap, which a subshell keeps for a moment.
(
  cd / && while sleep "$every" && kill -0 "$$"; do
    if [ "$(wc -c <"$base.log")" -gt "$max" ]; then cp "$base.log" "$base.log.1" && : >"$base.log"; fi
  done
) &
keeper=$!
# After the keeper, which gets none of them; what else this shell starts is after the agent has begun, and without them.
para_left=\${PARA_AGENT_SECRETS-} para_names=''
unset PARA_AGENT_SECRETS
for para_pair in $para_left; do
  para_value=$(cat -- "\${PARA_SECRETS_DIR-}/\${para_pair#*=}") || {
    echo "para: there is no secret \${para_pair#*=}" >>"$base.log"
    put "$base.end" "$id 125"
    exit 1
  }
  export "\${para_pair%%=*}=$para_value"
  para_names="$para_names \${para_pair%%=*}"
done
"$@" </dev/null >>"$base.log" 2>&1 &
agent=$!
para_value=''
for para_pair in $para_names; do unset "$para_pair"; done
trap 'kill -TERM "$agent" 2>/dev/null' TERM
# A signal ends \`wait\` before the agent has ended.
while :; do
  wait "$agent"
  code=$?
  kill -0 "$agent" 2>/dev/null || break
done
kill "$keeper" 2>/dev/null
put "$base.end" "$id $code"
`;
