/**
 * What the programs below both engines print when this machine can not run any container: the OCI runtime, the
 * init, the network helpers. Texts from recordings (facts/engines.md §1, §5) and from issue threads
 * (containers/podman #13703, #17358, #19634, #24777; opencontainers/runc #2567).
 */
import type { Rule } from '../classify.ts';

interface Cause {
  readonly text: RegExp;
  /** What to change on the machine. */
  readonly fix: string;
}

const CAUSES: readonly Cause[] = [
  {
    text: /error setting rlimit|setrlimit `?RLIMIT/i,
    fix: 'Set limits that this machine allows, in containers.conf under [containers]:\ndefault_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]',
  },
  {
    text: /oci runtime "?(runc|crun|[^" ]*)"? not found|no such file or directory.*\b(runc|crun)\b|could not find a working conmon|\b(runc|crun|conmon)"?: executable file not found/i,
    fix: 'Install the OCI runtime: apt-get install crun (or runc), and conmon.',
  },
  {
    text: /container-init binary not found|"docker-init": executable file not found|(catatonit|docker-init).*no such file/i,
    fix: 'Install the init that the engine starts containers with: apt-get install catatonit (podman) or tini (docker).',
  },
  {
    text: /could not find "?(slirp4netns|pasta|netavark|aardvark-dns|newuidmap|newgidmap)|\b(slirp4netns|pasta|netavark|newuidmap|newgidmap)"?: executable file not found/i,
    fix: 'Install the helpers of rootless containers: apt-get install uidmap slirp4netns netavark aardvark-dns',
  },
  {
    text: /\/dev\/net\/tun/i,
    fix: 'Let your user open the tunnel device: sudo chmod 666 /dev/net/tun',
  },
  {
    // podman 4 / 5: it was killed between making its network namespace and what belongs to it (#13703, #24777).
    text: /for rootless netns: no such file|rootless netns: mount .*no such file/i,
    fix: 'A podman that was killed left its network half made, and only makes it anew after (this stops your containers):\npodman system migrate',
  },
  {
    text: /cannot set limits without cgroups|error (creating|setting up|applying) cgroup|unable to (apply|start) .*cgroup|cgroups?[:/ ].*(permission denied|read-only file system)/i,
    fix: 'Let the engine make cgroups: in containers.conf under [engine] set cgroup_manager = "cgroupfs", or run it under systemd.',
  },
];

/** For both engines' tables. */
export const RUNTIME_RULES: readonly Rule[] = CAUSES.map(({ text }) => ({ text, code: 'ENGINE_CANNOT_RUN' }));

/** What to change so that a failure of this kind goes away. */
export function runtimeFix(stderr: string): string | undefined {
  return CAUSES.find(({ text }) => text.test(stderr))?.fix;
}
