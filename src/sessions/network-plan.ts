/** Decides how far a container reaches: the user's word is the most, a repository's files may only narrow it. */
import { expandDomains, coveredBy } from '../config/domains.ts';
import type { ConfigFile } from '../config/generated/types.ts';
import type { Config, DockerFile, NetworkAsk, NetworkSettings } from '../config/load.ts';
import { CONFIG_FILE, DOCKER_FILE } from './asking-files.ts';

/** How far a container reaches. */
export type NetworkMode = NetworkSettings['mode'];

/** What the command line says of the network. */
export interface NetworkFlags {
  readonly mode: NetworkMode | undefined;
  /** Entries of --allow-domain, checked. */
  readonly allowDomains: readonly string[];
}

/** Who says something: the user's settings, and the repository's files in the order in which they are read. */
export interface NetworkSources {
  readonly own: NetworkSettings;
  readonly asks: readonly (NetworkAsk & { readonly file: string })[];
}

/** One thing that a file of the repository asks of the host and that the user's settings do not give it. */
export interface NetworkEffect {
  readonly file: string;
  /** What would be so: `reaches example.com`. */
  readonly effect: string;
}

/** How far it reaches, and what of it only a user who trusts the repository gives. */
export interface NetworkDecision {
  readonly mode: NetworkMode;
  /** Canonical rules, for `restricted`. */
  readonly allow: readonly string[];
  readonly effects: readonly NetworkEffect[];
}

const WIDTH: Readonly<Record<NetworkMode, number>> = { none: 0, restricted: 1, bridge: 2 };

/** Flags win over files. What a file asks beyond what came before it is told in `effects`, and is in the answer. */
export function decideNetwork(flags: NetworkFlags, { own, asks }: NetworkSources): NetworkDecision {
  const flagged = flags.mode ?? (flags.allowDomains.length > 0 ? 'restricted' : undefined);
  const first: Reach = {
    mode: flagged ?? own.mode,
    allow: expandDomains([...own.allowed_domains, ...flags.allowDomains]),
    modes: [],
    domains: [],
  };
  const { mode, allow, modes, domains } = asks.reduce((reach, ask) => withAsk(reach, ask, flagged), first);
  return { mode, allow, effects: mode === 'restricted' ? [...modes, ...domains] : modes };
}

/** The decision as far as it goes; the effects of modes and of domains apart. */
interface Reach extends Pick<NetworkDecision, 'mode' | 'allow'> {
  readonly modes: readonly NetworkEffect[];
  readonly domains: readonly NetworkEffect[];
}

function withAsk(
  before: Reach,
  { file, ...ask }: NetworkSources['asks'][number],
  flagged: NetworkMode | undefined,
): Reach {
  const mode = flagged ?? ask.mode ?? before.mode;
  const asked = expandDomains(ask.allowed_domains ?? []);
  // Who reached everything is narrowed by any list.
  const given = coveredBy(before.allow, asked);
  const further = before.mode === 'bridge' ? [] : asked.filter((entry) => !given.includes(entry));
  const wider = WIDTH[mode] > WIDTH[before.mode] ? [{ file, effect: `network mode ${mode}` }] : [];
  return {
    mode,
    allow: [...new Set([...before.allow, ...asked])],
    modes: [...before.modes, ...wider],
    domains: [...before.domains, ...further.map((entry) => ({ file, effect: `reaches ${entry}` }))],
  };
}

/** Whose word of the network is whose: the user's, the project's settings, the session's docker.json. */
export function networkSources(
  own: Config,
  project: ConfigFile | undefined,
  docker: DockerFile | undefined,
): NetworkSources {
  const asks = [
    { file: CONFIG_FILE, ...project?.docker?.network },
    { file: DOCKER_FILE, ...docker?.network },
  ];
  return { own: own.docker.network, asks };
}
