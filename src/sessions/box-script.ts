/** What `para doctor --session` runs in the box: a script that tries what must not work, and says what it came to. */

/**
 * For any POSIX sh. It prints a fact a line. What it makes it takes away again, should it be able to make it at all:
 * `d` tries for a new directory in a directory, `a` opens a file that is there for writing and writes nothing.
 * Arguments: an id for names of its own, the repository's git directory, the hardening, then places of other sessions.
 */
export const BOX_SCRIPT = `id=$1 common=$2 hardening=$3; shift 3
status() { while read -r k v; do case $k in Cap???:|NoNewPrivs:|Seccomp:) echo "status $1 $k $v";; esac; done <"/proc/$2/status"; }
status exec self; status main 1
for n in pid mnt ipc uts net; do echo "ns $n $(readlink "/proc/self/ns/$n" 2>/dev/null)"; done
i=0; while read -r dev dest rest; do i=$((i+1)); [ $i -gt 1 ] && echo "route $dev $dest"; done </proc/net/route
[ -r /proc/net/ipv6_route ] && while read -r l; do case $l in *\\ lo) ;; *) echo "route6 \${l##* }";; esac; done </proc/net/ipv6_route
command -v mkdir >/dev/null && command -v rmdir >/dev/null && echo "tool mkdir"
d() { if mkdir "$2/para-doctor-$id" 2>/dev/null; then rmdir "$2/para-doctor-$id"; echo "wrote $1 $2"; fi; }
a() { if [ -e "$2" ] && ( : >>"$2" ) 2>/dev/null; then echo "wrote $1 $2"; fi; }
d hook "$common/hooks"; d hook /workspace/.git/hooks; a hook /workspace/.git
a config "$common/config"; a config /workspace/.git/config
d ref "$common/refs/heads"; d ref /para/objects; d ref /para/objects/info; a ref "$common/HEAD"; a ref "$common/packed-refs"
for p; do d other "$p"; [ -e "$p" ] && echo "sees $p"; done
d handed /run/para/cmd; a handed /run/para/cmd/runner.sh; a handed /usr/local/bin/para-status
[ "$hardening" = strict ] && { d root /; d root /usr; }
for p in sys/kernel/core_pattern sys/kernel/hostname sys/vm/drop_caches sysrq-trigger; do a kernel "/proc/$p"; done
for p in /var/run/docker.sock /run/docker.sock /run/podman/podman.sock /run/containerd/containerd.sock; do [ -S "$p" ] && echo "socket $p"; done
echo end`;

/** A line of a process's `status`: `Cap…`, `NoNewPrivs`, `Seccomp`. */
export interface ProcessFact {
  /** `exec` for what is run in the box, `main` for its main process. */
  readonly who: string;
  readonly name: string;
  readonly value: string;
}

/** What the script said, sorted. Whatever runs in the box could have said it instead. */
export interface BoxFacts {
  readonly status: readonly ProcessFact[];
  readonly namespaces: ReadonlyMap<string, string>;
  /** Destinations of IPv4 in the kernel's hex, and devices of IPv6. */
  readonly routes: readonly string[];
  readonly routes6: readonly string[];
  /** What could be written, by what was tried. */
  readonly wrote: ReadonlyMap<string, readonly string[]>;
  /** Places of other sessions that are there. */
  readonly seen: readonly string[];
  readonly sockets: readonly string[];
  readonly canTry: boolean;
}

/** Reads what the script printed; undefined when it did not come to its end. */
export function parseBox(stdout: string): BoxFacts | undefined {
  const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  if (!lines.some(([kind]) => kind === 'end')) return undefined;
  const of = (kind: string): readonly (readonly string[])[] =>
    lines.filter(([first]) => first === kind).map(([, ...rest]) => rest);
  const wrote = new Map<string, string[]>();
  for (const [what = '', where = ''] of of('wrote')) wrote.set(what, [...(wrote.get(what) ?? []), where]);
  return {
    status: of('status').map(([who = '', name = '', value = '']) => ({
      ...{ who, value },
      name: name.replace(':', ''),
    })),
    namespaces: new Map(of('ns').map(([name, value]) => [name ?? '', value ?? ''])),
    routes: of('route').map(([, destination]) => destination ?? ''),
    routes6: of('route6').map(([device]) => device ?? ''),
    wrote,
    seen: of('sees').map(([path]) => path ?? ''),
    sockets: of('socket').map(([path]) => path ?? ''),
    canTry: of('tool').length > 0,
  };
}
