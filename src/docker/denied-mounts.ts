/** Places of the host that no container sees, or none may write to, whoever asks (facts/security-reliability.md §1.2). */
import { join } from 'node:path';
import { isWithin, real } from './host-path.ts';

/** What is below one of these belongs to the system, and what is above holds it. */
const SYSTEM = ['/proc', '/sys', '/dev', '/run', '/var/run', '/etc', '/boot', '/var/spool/cron'];

/** Where engines keep images and containers, and what runs on the machine under their care. */
const STORAGE = [
  ...['/var/lib/docker', '/var/lib/containers', '/var/lib/containerd', '/var/lib/kubelet'],
  ...['/var/lib/rancher', '/var/lib/lxd', '/var/lib/machines', '/var/snap'],
];
const STORAGE_IN_HOME = ['.local/share/containers', '.local/share/docker', '.local/share/lxc'];

/** Of any home: what logs in somewhere, or opens what does. A file stands for all that hold it. */
const CREDENTIALS_IN_HOME = [
  ...['.ssh', '.gnupg', '.pki', '.password-store', '.local/share/keyrings', 'Library/Keychains'],
  ...[
    '.netrc',
    '.git-credentials',
    '.config/git/credentials',
    '.config/gh',
    '.config/glab-cli',
    '.config/hub',
  ],
  ...['.aws', '.azure', '.config/gcloud', '.kube', '.docker', '.config/containers', '.oci', '.config/doctl'],
  ...[
    '.npmrc',
    '.yarnrc.yml',
    '.pypirc',
    '.cargo/credentials',
    '.cargo/credentials.toml',
    '.gem/credentials',
  ],
  ...['.m2/settings.xml', '.m2/settings-security.xml', '.gradle/gradle.properties', '.composer/auth.json'],
  ...['.terraform.d', '.vault-token', '.config/op', '.config/rclone', '.config/sops', '.pgpass', '.my.cnf'],
  ...['.mozilla', '.config/google-chrome', '.config/chromium'],
  // Agents keep their logins, and all that was ever said to them, beside each other.
  ...['.claude', '.claude.json', '.codex', '.gemini', '.aider.conf.yml', '.config/opencode'],
  ...['.local/share/opencode', '.config/github-copilot', '.copilot', '.cursor', '.continue', '.qwen'],
  ...['.config/para', '.local/state/para'],
];

/**
 * Programs of the machine, which everybody on it may read, and nobody inside may change: a container has no capability
 * and no new privileges, so what it can only read there is worth no more to it than its own image.
 */
const PROGRAMS = [
  ...[
    '/bin',
    '/sbin',
    '/lib',
    '/lib32',
    '/lib64',
    '/libx32',
    '/usr/bin',
    '/usr/sbin',
    '/usr/lib',
    '/usr/lib32',
  ],
  ...['/usr/lib64', '/usr/libexec', '/usr/local/bin', '/usr/local/sbin', '/usr/local/lib', '/opt/homebrew'],
  ...['/nix', '/snap'],
];
/** The same of a home: what runs at a login, or by its name. */
const PROGRAMS_IN_HOME = [
  ...['bin', '.local/bin', '.cargo/bin', 'go/bin', '.config/systemd', '.config/autostart', '.config/fish'],
  ...['.profile', '.bashrc', '.bash_profile', '.bash_login', '.zshrc', '.zshenv', '.zprofile', '.zlogin'],
  ...['.gitconfig', '.config/git'],
  // What para has compiled of itself, which it runs (sys/code-cache).
  '.cache/para',
];

const SOCKET = /(?:docker|podman|containerd|crio)[^/]*\.sock$/;

/** What a place is held against; all paths absolute, links resolved. */
export interface Held {
  readonly home: string;
  readonly repo: string;
  readonly readOnly: boolean;
  /** Where the engine in use keeps its images and containers, when that is known. */
  readonly storage?: string | undefined;
}

/** Why nobody mounts it, in words; undefined when they may. `source` is absolute. */
export async function deniedBecause(source: string, held: Held): Promise<string | undefined> {
  const { home, repo } = held;
  if (source === '/' || source === home) return 'it holds far more than a session may see';
  if (isWithin(repo, source) || isWithin(join(repo, '.git'), source))
    return 'it contains the repository itself';
  if (isWithin(source, join(repo, '.git')) || isWithin(source, join(repo, '.para')))
    return "it is git's or para's own";
  if (isWithin(home, source)) return 'it contains your home directory';
  if (SOCKET.test(source)) return 'an engine socket gives away the whole machine';
  if (meets(source, SYSTEM) !== undefined) return 'it belongs to the system';
  if (isOfOthers(source, home)) return 'it is the home directory of another user';
  return inHome(source, held);
}

async function inHome(source: string, { home, storage, readOnly }: Held): Promise<string | undefined> {
  const homes = homesAt(source, home);
  const [secrets, stores, programs] = await Promise.all([
    placesIn(homes, CREDENTIALS_IN_HOME),
    placesIn(homes, STORAGE_IN_HOME),
    placesIn(homes, PROGRAMS_IN_HOME),
  ]);
  const own = storage === undefined || storage === '' ? [] : [storage, await real(storage)];
  if (meets(source, [...STORAGE, ...own, ...stores.keys()]) !== undefined)
    return 'an engine keeps its images and containers there';
  const secret = secrets.get(meets(source, [...secrets.keys()]) ?? '');
  if (secret !== undefined) return `~/${secret} holds credentials`;
  const found = readOnly ? undefined : meets(source, [...PROGRAMS, ...programs.keys()]);
  return found === undefined
    ? undefined
    : `this machine runs what is in ${found}; it can be mounted read-only`;
}

/** Where these are in homes: as they are called there, and where links lead; each with its name. */
async function placesIn(
  homes: readonly string[],
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    homes.flatMap((home) =>
      names.map(async (name) => {
        const path = join(home, name);
        return [path, await real(path), name] as const;
      }),
    ),
  );
  return new Map(found.flatMap(([path, leads, name]) => [[path, name] as const, [leads, name] as const]));
}

/** The user's home, and that of whoever else the place belongs to. */
function homesAt(source: string, home: string): readonly string[] {
  const other = /^\/(?:home|Users)\/[^/]+/.exec(source)?.[0];
  return other === undefined || other === home ? [home] : [home, other];
}

/** A home of another user as a whole, and root's in any part. */
function isOfOthers(source: string, home: string): boolean {
  const isRoots = isWithin(source, '/root') && !isWithin(home, '/root');
  return isRoots || (/^\/(?:home|Users)\/[^/]+$/.test(source) && source !== home);
}

/** The first that is the place, holds it or is in it. */
function meets(source: string, places: readonly string[]): string | undefined {
  return places.find((place) => isWithin(source, place) || isWithin(place, source));
}
