/** What docker prints, and what it means (facts/engines.md §1.2). Versions in comments are those that print it. */
import type { Rules } from '../classify.ts';
import { RUNTIME_RULES } from './runtime-errors.ts';

/** Rules of docker 20.10 to 28 (recorded) and 29 (from its source). */
export const DOCKER_RULES: Rules = {
  transport: [
    // "Got permission denied" on upstream 20.10; 29: "to the docker API".
    {
      text: /permission denied while trying to connect to the docker (daemon socket|api)/i,
      code: 'ENGINE_PERMISSION_DENIED',
    },
    { text: /cannot connect to the docker daemon at/i, code: 'DAEMON_NOT_AVAILABLE' },
    // 29.
    { text: /failed to connect to the docker api at/i, code: 'DAEMON_NOT_AVAILABLE' },
    // ssh and DNS, up to 28.
    { text: /error during connect/i, code: 'DAEMON_NOT_AVAILABLE' },
    // 28 prefixes "Failed to initialize:".
    { text: /unable to resolve docker endpoint/i, code: 'DAEMON_NOT_AVAILABLE' },
    {
      text: /unable to parse docker host|current context ".*" is not found|context ".*" does not exist/i,
      code: 'DAEMON_NOT_AVAILABLE',
    },
    { text: /client version \S+ is too (new|old)/i, code: 'ENGINE_TOO_OLD' },
  ],
  runtime: RUNTIME_RULES,
  usage: [
    { text: /unknown (shorthand )?flag/i, code: 'ENGINE_USAGE' },
    { text: /requires (at least|exactly|at most) \d+ argument/i, code: 'ENGINE_USAGE' },
    { text: /no command specified/i, code: 'ENGINE_USAGE' },
    { text: /the input device is not a tty/i, code: 'NO_TTY' },
  ],
  name: [
    { text: /is already in use by container/i, code: 'NAME_CONFLICT' },
    // The client on podman's socket.
    { text: /that name is already in use|already in use, cannot rename/i, code: 'NAME_CONFLICT' },
  ],
  port: [
    // An address of a network, not a port: 20 alone, 28 after "failed to set up container networking:".
    {
      text: /(response from daemon|container networking): address already in use/i,
      code: 'ADDRESS_IN_USE',
    },
    { text: /port is already allocated/i, code: 'PORT_IN_USE' },
    // 20/26 "Error starting userland proxy", 28 "failed to bind host port".
    { text: /address already in use/i, code: 'PORT_IN_USE' },
    { text: /cannot expose privileged port/i, code: 'PORT_NOT_PERMITTED' },
  ],
  image: [
    { text: /no such image/i, code: 'IMAGE_NOT_FOUND' },
    {
      text: /no matching manifest for|does not (match|provide) the specified platform/i,
      code: 'IMAGE_PLATFORM_MISMATCH',
    },
    { text: /toomanyrequests|429 too many requests/i, code: 'IMAGE_PULL_RATE_LIMITED' },
    { text: /no image found in (manifest list|image index)/i, code: 'IMAGE_PLATFORM_MISMATCH' },
    {
      text: /pull access denied|unauthorized|authorization failed|incorrect username or password|403 forbidden/i,
      code: 'IMAGE_PULL_DENIED',
    },
    // "denied" alone; "permission denied" is another matter.
    { text: /(^|: )denied\b/im, code: 'IMAGE_PULL_DENIED' },
    {
      text: /manifest (for \S+ )?(unknown|not found)|name unknown|repository name not known/i,
      code: 'IMAGE_NOT_FOUND',
    },
    // The containerd image store.
    { text: /failed to resolve reference .*: not found|image not known/i, code: 'IMAGE_NOT_FOUND' },
    {
      text: /received unexpected http status: 5|failed to do request: head|pinging container registry/i,
      code: 'REGISTRY_UNREACHABLE',
    },
    {
      text: /get "?https?:\S*: (dial tcp|net\/http|context deadline|http: server gave|eof)/i,
      code: 'REGISTRY_UNREACHABLE',
    },
    { text: /get "?https?:.*(no such host|i\/o timeout|client\.timeout)/i, code: 'REGISTRY_UNREACHABLE' },
  ],
  network: [
    // 28 puts "invalid pool request:" before it.
    { text: /pool overlaps with other one/i, code: 'SUBNET_IN_USE' },
    {
      text: /network \S+ not found|no such network|unable to find network|network not found/i,
      code: 'NETWORK_NOT_FOUND',
    },
  ],
  mount: [
    { text: /no space left on device/i, code: 'NO_SPACE' },
    { text: /bind source path does not exist/i, code: 'MOUNT_INVALID' },
    {
      text: /includes invalid characters for a local volume name|duplicate mount (point|destination)/i,
      code: 'MOUNT_INVALID',
    },
    {
      text: /invalid mode:|invalid volume specification|invalid mount config|mounts denied:/i,
      code: 'MOUNT_INVALID',
    },
    // runc 1.1 "error mounting", 1.3 "failed to fulfil mount request".
    {
      text: /error mounting "|failed to fulfil mount request|statfs .*: no such file/i,
      code: 'MOUNT_INVALID',
    },
  ],
  state: [
    { text: /no such (container|object)|layer not known/i, code: 'CONTAINER_NOT_FOUND' },
    {
      text: /is paused, unpause|cannot start a paused container|already paused|container is paused|cannot remove a paused container/i,
      code: 'CONTAINER_PAUSED',
    },
    // The client on podman's socket.
    {
      text: /as it is paused|refusing to clean up|exec session as container \S+ is paused/i,
      code: 'CONTAINER_PAUSED',
    },
    { text: /as it is running/i, code: 'CONTAINER_ALREADY_RUNNING' },
    { text: /is restarting, wait until/i, code: 'CONTAINER_RESTARTING' },
    // 20: "You cannot remove a running container"; 26 and later: "container is running: stop the container".
    {
      text: /cannot remove a running container|container is running: stop the container/i,
      code: 'CONTAINER_ALREADY_RUNNING',
    },
    { text: /is not running|cannot attach to a stopped container/i, code: 'CONTAINER_NOT_RUNNING' },
    {
      text: /can only create exec sessions on running|container state improper/i,
      code: 'CONTAINER_NOT_RUNNING',
    },
  ],
  limit: [
    { text: /minimum memory limit allowed is|unable to set memory limit/i, code: 'RESOURCE_LIMIT_EXCEEDED' },
    { text: /range of cpus is from|requested cpus are not available/i, code: 'RESOURCE_LIMIT_EXCEEDED' },
  ],
  command: [
    { text: /unable to find user/i, code: 'USER_NOT_FOUND' },
    {
      text: /executable file not found in \$path|exec: "[^"]*": stat [^:]*: no such file/i,
      code: 'COMMAND_NOT_FOUND',
    },
    // 28 words a missing path without "stat".
    { text: /exec: "[^"]*":.*no such file or directory/i, code: 'COMMAND_NOT_FOUND' },
    { text: /exec: "[^"]*":.*(permission denied|is a directory)/i, code: 'COMMAND_NOT_EXECUTABLE' },
    { text: /oci runtime.*(permission denied|is a directory)/i, code: 'COMMAND_NOT_EXECUTABLE' },
  ],
};
