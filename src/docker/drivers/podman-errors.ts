/** What podman prints, and what it means (facts/engines.md §1.2). Versions in comments are those that print it. */
import type { Rules } from '../classify.ts';
import { RUNTIME_RULES } from './runtime-errors.ts';

/** Rules of podman 4.3 to 5.8, root and rootless, with runc 1.1 and 1.3. */
export const PODMAN_RULES: Rules = {
  transport: [
    { text: /cannot connect to podman|unable to connect to podman/i, code: 'DAEMON_NOT_AVAILABLE' },
    // 4.3 / 5.x.
    {
      text: /service destination \S* ?not found|connection "[^"]*" not found/i,
      code: 'DAEMON_NOT_AVAILABLE',
    },
    // 4.3 / 5.x: a runtime directory that is not the caller's.
    {
      text: /xdg_runtime_dir directory .* is not owned|failed to obtain podman configuration/i,
      code: 'ENGINE_BROKEN',
    },
  ],
  runtime: RUNTIME_RULES,
  usage: [
    { text: /unknown (shorthand )?flag/i, code: 'ENGINE_USAGE' },
    {
      text: /requires (at least|exactly|at most) \d+ arg|accepts (at most|between|\d+)/i,
      code: 'ENGINE_USAGE',
    },
    { text: /no command or entrypoint provided|must provide a non-empty command/i, code: 'ENGINE_USAGE' },
  ],
  name: [
    // create; rename 4.3 "already in use, cannot rename"; rename 5.x the database's own words.
    { text: /that name is already in use|already in use, cannot rename/i, code: 'NAME_CONFLICT' },
    { text: /unique constraint failed: containerconfig\.name/i, code: 'NAME_CONFLICT' },
  ],
  port: [
    // 4.3 "cannot expose privileged port"; 5.4 pasta.
    {
      text: /cannot expose privileged port|failed to bind port \d+ \(permission denied/i,
      code: 'PORT_NOT_PERMITTED',
    },
    // root "cannot listen on the TCP port"; 5.4 rootless pasta; 5.8 rootless "Listen failed for HOST TCP port".
    {
      text: /address already in use|failed to bind port \d+ \(address|cannot listen on the (tcp|udp) port/i,
      code: 'PORT_IN_USE',
    },
    { text: /listen failed for host (tcp|udp) port.*permission denied/i, code: 'PORT_NOT_PERMITTED' },
    { text: /listen failed for host (tcp|udp) port/i, code: 'PORT_IN_USE' },
  ],
  image: [
    {
      text: /no image found in (manifest list|image index)|does not match the specified platform/i,
      code: 'IMAGE_PLATFORM_MISMATCH',
    },
    { text: /image not known|short-name ".*" did not resolve/i, code: 'IMAGE_NOT_FOUND' },
    { text: /toomanyrequests|429 \(?too many requests/i, code: 'IMAGE_PULL_RATE_LIMITED' },
    {
      text: /unauthorized|authentication required|403 \(?forbidden|(manifest|registry|source).*denied/i,
      code: 'IMAGE_PULL_DENIED',
    },
    {
      text: /manifest unknown|name unknown|repository name not known|reading manifest .*not found/i,
      code: 'IMAGE_NOT_FOUND',
    },
    { text: /pinging container registry|received unexpected http status: 5/i, code: 'REGISTRY_UNREACHABLE' },
    {
      text: /reading manifest .*(50\d|internal server error)|reading manifest .*dial tcp/i,
      code: 'REGISTRY_UNREACHABLE',
    },
  ],
  network: [
    { text: /subnet \S+ is (already )?used on the host or by another config/i, code: 'SUBNET_IN_USE' },
    { text: /requested ip address \S+ is already allocated/i, code: 'ADDRESS_IN_USE' },
    { text: /unable to find network with name or id|network not found/i, code: 'NETWORK_NOT_FOUND' },
  ],
  mount: [
    { text: /no space left on device/i, code: 'NO_SPACE' },
    { text: /statfs .*: no such file or directory/i, code: 'MOUNT_INVALID' },
    // runc 1.1 / 1.3.
    { text: /error mounting "|failed to fulfil mount request/i, code: 'MOUNT_INVALID' },
    {
      text: /duplicate mount destination|invalid option type|invalid container path|incorrect volume format/i,
      code: 'MOUNT_INVALID',
    },
  ],
  state: [
    {
      text: /no such (container|object)|container "[^"]*" does not exist|layer not known/i,
      code: 'CONTAINER_NOT_FOUND',
    },
    { text: /as it is running/i, code: 'CONTAINER_ALREADY_RUNNING' },
    {
      text: /as it is paused|is already paused|refusing to clean up|exec session as container \S+ is paused/i,
      code: 'CONTAINER_PAUSED',
    },
    {
      text: /can only (create exec sessions on|attach to|kill) running|top can only be used on running/i,
      code: 'CONTAINER_NOT_RUNNING',
    },
    // The same words for paused ones on exec: the caller may ask inspect (engines.md §1.2).
    { text: /container state improper/i, code: 'CONTAINER_NOT_RUNNING' },
  ],
  limit: [
    { text: /unable to set memory limit|minimum memory limit allowed/i, code: 'RESOURCE_LIMIT_EXCEEDED' },
    { text: /requested cpus are not available|range of cpus is from/i, code: 'RESOURCE_LIMIT_EXCEEDED' },
  ],
  command: [
    { text: /unable to find user/i, code: 'USER_NOT_FOUND' },
    {
      text: /executable file .*not found in \$path|attempted to invoke a command that was not found/i,
      code: 'COMMAND_NOT_FOUND',
    },
    { text: /exec: "[^"]*": stat [^:]*: no such file/i, code: 'COMMAND_NOT_FOUND' },
    // runc 1.3 words a directory apart.
    {
      text: /oci permission denied|exec: "[^"]*":.*(permission denied|is a directory)/i,
      code: 'COMMAND_NOT_EXECUTABLE',
    },
  ],
};
