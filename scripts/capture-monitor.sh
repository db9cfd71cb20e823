#!/bin/sh
# Makes docs/monitor-<engine>-<columns>x<rows>.txt again: `para monitor` in a tmux, while a script in a container, as its
# agent, prints what it does and says through para-status how far it is.
#
#   scripts/engines.sh up && npm run build && scripts/capture-monitor.sh [docker] [rootless]
set -eu
cd "$(dirname "$0")/.."
root=$PWD
bench=${PARA_BENCH_DIR:-${TMPDIR:-/tmp}/para-bench}/bench.json
[ $# -gt 0 ] || set -- docker rootless

# Words of bench.json: how to be the engine's user, its environment, the image.
of() { node -p "const b = require(process.argv[1]), e = b[process.argv[2]]; $1" "$bench" "$2"; }

capture() { # ENGINE
  engine=$1
  dir=$(mktemp -d)
  chmod 755 "$dir"
  mkdir "$dir/shop" "$dir/home" "$dir/para"
  cp -r dist schemas package.json "$dir/para"
  chown -R "$(of 'e.uid + ":" + e.gid' "$engine")" "$dir"
  image=$(of 'b.images.base' "$engine")
  {
    of 'Object.entries(e.env).map(([k, v]) => `export ${k}=${v}`).join("\n")' "$engine"
    echo "export PARA_ENGINE=$([ "$engine" = docker ] && echo docker || echo podman)"
    echo "export XDG_CONFIG_HOME='$dir/home' XDG_CACHE_HOME='$dir/home' TMUX_TMPDIR='$dir/home' LC_ALL=C.UTF-8"
    echo "export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL='$dir/gitconfig'; cd '$dir/shop'"
    echo "para() { '$(command -v node)' '$dir/para/dist/main.js' \"\$@\"; }"
  } >"$dir/env"
  printf '[user]\n\tname = Ann\n\temail = ann@example.test\n[init]\n\tdefaultBranch = main\n' >"$dir/gitconfig"
  # Says what it does as it goes.
  cat >"$dir/work" <<'WORK'
echo 'The form needs a module and three styles. I write them first.'
para-status --phase building --progress 20/100 --message 'Builds the form' --todos 1/7
echo 'export const form = 1;' >form.js; printf 'one\ntwo\nthree\n' >styles.css
printf 'wrote %s\n' form.js styles.css
sleep 1
echo 'Now its tests.'
printf '✔ %s\n' 'shows a field for the name' 'shows a field for the password' 'refuses an empty name'
para-status --phase testing --progress 75/100 --message 'Runs the tests of the form' --tests passed --todos 5/7 \
  --service db=running --service web=running --warning 'form.js: no label for the field “name”'
sleep 600
WORK
  cat >"$dir/run" <<RUN
set -eu; . '$dir/env'
trap 'tmux -L c kill-server || true; para cancel login -f; para cancel search -f; para cancel docs -f; para docker cleanup -f' EXIT INT TERM
git init -q; echo shop >README; git add .; git commit -qm first
para config set -q agent.command "\$(node -p 'JSON.stringify(["sh", "-c", fs.readFileSync(process.argv[1], "utf8"), "sh", "{prompt_file}"])' '$dir/work')"
para dispatch login 'Build the login form' -q --docker --image '$image' --port 8080:80
para start search -q --docker --image '$image'
para start docs -q
para docker exec search -- para-status --phase review --progress 9/10 --tests failed --blocked \
  --message 'Which of the two designs?' --error 'search.test.js: 2 of 31 failed'
para docker exec search -- sh -c 'seq 40 >index.txt'
echo 'How it works' >.para/worktrees/docs/guide.md
sleep 3
tmux -L c -f /dev/null new-session -d -x 80 -y 24 ". '$dir/env'; para monitor --stats"
sleep 3
tmux -L c send-keys j
for size in '80 24' '200 50'; do
  set -- \$size
  tmux -L c resize-window -x "\$1" -y "\$2"; sleep 9
  tmux -L c capture-pane -p | sed 's/ *\$//' >'$dir/home/'"\$1x\$2"
done
RUN
  prefix=$(of 'e.prefix.join(" ")' "$engine")
  # Word by word: none of them has blanks.
  # shellcheck disable=SC2086
  $prefix sh "$dir/run"
  for size in 80x24 200x50; do
    sed "s#$dir#/home/ann#g" "$dir/home/$size" >"docs/monitor-$engine-$size.txt"
    echo "docs/monitor-$engine-$size.txt"
  done
  cd "$root"
  rm -rf "$dir"
}

for engine in "$@"; do capture "$engine"; done
