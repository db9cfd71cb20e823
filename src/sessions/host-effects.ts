/**
 * What the files of a repository ask of the machine itself, one row of a table for each kind. In the box a repository
 * may ask for what it likes: image, environment, health check, ports on loopback. Whatever reaches further, or loosens
 * what the user's own settings say, is an effect, and a person has to approve it (sessions/trust.ts). What only the user
 * may say is refused before (config/check.ts), and what nobody gets by docker/mounts.ts, whoever approves.
 */
import { settingAt } from '../config/check.ts';
import type { Config } from '../config/defaults.ts';
import type { ConfigFile, DockerFile } from '../config/generated/types.ts';
import { parseSize } from '../config/size.ts';
import { visible } from '../config/words.ts';
import { fitsImage } from '../docker/image-pattern.ts';
import { beyondAllowed, type MountContext, type MountRequest } from '../docker/mounts.ts';
import { CONFIG_FILE, DOCKER_FILE } from './asking-files.ts';
import { secretsOfOthers } from './vault.ts';
import { decideNetwork, networkSources, type NetworkFlags } from './network-plan.ts';

/** One thing that is asked of the host. */
export interface HostEffect {
  /** The file that asks, in the repository. */
  readonly file: string;
  readonly kind: 'mount' | 'port' | 'image' | 'network' | 'loosened' | 'limit' | 'secret' | 'program';
  /** One line for a person. The same effect has the same words: that is what an approval is compared by. */
  readonly text: string;
  /** Of a mount: the host path, links resolved. */
  readonly path?: string;
}

/** What is looked at. */
export interface Asking {
  /** The user's settings, without the project's. */
  readonly own: Config;
  readonly project: ConfigFile | undefined;
  readonly file: DockerFile | undefined;
  /** What a person said of the network on the command line goes before every file. */
  readonly networkFlags?: NetworkFlags;
  readonly mountContext: MountContext;
}

type Row = (asking: Asking) => readonly HostEffect[];

/** Every kind of effect that a container can have, but mounts and secrets: for these the disk has to be looked at. */
const ROWS: readonly Row[] = [loosened, limits, images, ports, networks];

/** All that needs a person's word before a container is made. @throws MOUNT_INVALID, MOUNT_REFUSED, USAGE */
export async function hostEffects(asking: Asking): Promise<readonly HostEffect[]> {
  return [...ROWS.flatMap((row) => row(asking)), ...(await mounts(asking)), ...(await secrets(asking))];
}

/** Settings whose values go from open to closed; a repository may go towards the end of the list by itself. */
const CLOSING: readonly (readonly [key: string, values: readonly unknown[], opens: string])[] = [
  ['hardening', ['off', 'default', 'strict'], 'the container is less closed'],
  ['limits', ['best-effort', 'required'], 'limits need not hold'],
  [
    'network.create_custom_network',
    [false, true],
    'the container shares a network with others of this machine',
  ],
];

function loosened({ own, project }: Asking): readonly HostEffect[] {
  const found = CLOSING.flatMap(([key, values, opens]) => {
    const [wanted, mine] = [settingAt(project?.docker, key), settingAt(own.docker, key)];
    if (wanted === undefined || values.indexOf(wanted) >= values.indexOf(mine)) return [];
    return [loosening(key, wanted, mine, opens)];
  });
  const engine = project?.docker?.engine;
  const other = engine !== undefined && own.docker.engine !== 'auto' && engine !== own.docker.engine;
  return other
    ? [...found, loosening('engine', engine, own.docker.engine, 'another engine may hold less')]
    : found;
}

/** A project that takes away the container which the user wants for every session. */
export function withoutContainer(own: Config, project: ConfigFile | undefined): readonly HostEffect[] {
  return project?.docker?.enabled === false && own.docker.enabled
    ? [loosening('enabled', false, true, 'sessions work on this machine itself, without a container')]
    : [];
}

function loosening(key: string, wanted: unknown, mine: unknown, opens: string): HostEffect {
  const text = `sets docker.${key} to ${JSON.stringify(wanted)}, which is ${JSON.stringify(mine)} without it: ${opens}`;
  return { file: CONFIG_FILE, kind: 'loosened', text };
}

/** A script of the repository that makes a session without a container ready. */
export function scriptEffect(file: string): HostEffect {
  return {
    file,
    kind: 'program',
    text: 'runs on this machine when a session without a container is started',
  };
}

/** More of the machine than the user's settings give a container. */
function limits({ own, project }: Asking): readonly HostEffect[] {
  const [wanted, mine] = [project?.docker?.default_resource_limits, own.docker.default_resource_limits];
  return (['cpu_limit', 'memory_limit', 'pids_limit'] as const).flatMap((key) => {
    const value = wanted?.[key];
    if (value === undefined || amount(value) <= amount(mine[key])) return [];
    const text = `raises docker.default_resource_limits.${key} to ${String(value)}, which is ${String(mine[key])} without it`;
    return [{ file: CONFIG_FILE, kind: 'limit', text } as const];
  });
}

function amount(value: number | string): number {
  return typeof value === 'string' ? parseSize(value) : value;
}

/** Only where the user has a list of images: without one, what runs in the box is the repository's choice. */
function images({ own, project, file }: Asking): readonly HostEffect[] {
  const allowed = own.docker.allowed_images;
  if (allowed === null) return [];
  const named: readonly (readonly [string, string | undefined])[] = [
    [DOCKER_FILE, file?.image],
    [CONFIG_FILE, project?.docker?.default_image],
    ...Object.values(project?.docker?.image_mappings ?? {}).map((image) => [CONFIG_FILE, image] as const),
  ];
  return named.flatMap(([from, image]) =>
    image === undefined || fitsImage(allowed, image)
      ? []
      : [
          {
            file: from,
            kind: 'image',
            text: `uses the image ${visible(image)}, which is not in your allowed_images`,
          },
        ],
  );
}

function ports({ file }: Asking): readonly HostEffect[] {
  return (file?.ports ?? []).flatMap(({ host_ip: ip = LOOPBACK, host_port: port }) => {
    if (ip === LOOPBACK || ip === '::1') return [];
    const text = `publishes port ${String(port)} on ${ip}, where other machines may reach it`;
    return [{ file: DOCKER_FILE, kind: 'port', text } as const];
  });
}

/** How far the container reaches, beyond what the user's settings give it. */
function networks({ own, project, file, networkFlags = NO_FLAGS }: Asking): readonly HostEffect[] {
  return decideNetwork(networkFlags, networkSources(own, project, file)).effects.map((one) => ({
    file: one.file,
    kind: 'network',
    text: `asks for more network than your settings give: ${one.effect}`,
  }));
}

const NO_FLAGS: NetworkFlags = { mode: undefined, allowDomains: [] };

/** Where the ports of a repository are published when it does not say. */
export const LOOPBACK = '127.0.0.1';

async function mounts({ project, file, mountContext }: Asking): Promise<readonly HostEffect[]> {
  const asked = [
    ...(project?.docker?.default_volumes ?? []).map((volume) => [CONFIG_FILE, volume] as const),
    ...(file?.volumes ?? []).map((volume) => [DOCKER_FILE, volume] as const),
  ];
  const found = await Promise.all(
    asked.map(async ([from, volume]): Promise<readonly HostEffect[]> => {
      const mount = await beyondAllowed(toMount(volume, 'repository'), mountContext);
      if (mount === undefined) return [];
      const how = mount.readOnly ? 'to read' : 'to read and write';
      const text = `mounts ${visible(mount.source)} at ${visible(mount.target)}, ${how}`;
      return [{ file: from, kind: 'mount', text, path: mount.source }];
    }),
  );
  return found.flat();
}

/** By name: where they are only the user's own settings say. */
async function secrets({ own, file, mountContext }: Asking): Promise<readonly HostEffect[]> {
  const asked = file?.secrets ?? [];
  if (asked.length === 0) return [];
  const others = await secretsOfOthers(own.secrets, { home: mountContext.home, root: mountContext.repo });
  return asked
    .filter((name) => others.includes(name))
    .map((name) => ({
      ...{ file: DOCKER_FILE, kind: 'secret' },
      text: `takes the secret ${name}, which your settings give to other repositories only`,
    }));
}

/** A volume of a settings file as it is asked for. */
export function toMount(
  volume: { readonly source: string; readonly target: string; readonly read_only?: boolean },
  origin: MountRequest['origin'],
): MountRequest {
  return {
    source: volume.source,
    target: volume.target,
    readOnly: volume.read_only ?? false,
    origin,
  };
}
