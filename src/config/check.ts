/** Checks values against the schemas and against what a schema can not say. */
import { isIP } from 'node:net';
import { ParaError } from '../errors.ts';
import { domainProblem } from './domains.ts';
import { problemsOf, problemText, summaryOf, type Problem } from './explain.ts';
import type { ConfigFile, DockerFile } from './generated/types.ts';
import * as validators from './generated/validators.cjs';
import { secretProblems } from './secrets.ts';
import { parseSize } from './size.ts';
import { quote } from './words.ts';

const KEYS = 'Everything it may hold:';

/** The value as the content of a config file. @throws CONFIG_INVALID with every problem in `details` */
export function checkConfig(file: string, value: unknown): ConfigFile {
  const problems = problemsOf(value, validators.validateConfigFile);
  const config = value as ConfigFile;
  const all =
    problems.length > 0
      ? problems
      : [
          ...prefixProblems(config),
          ...agentProblems(config),
          ...sizeProblems(config),
          ...domainProblems('docker.network', config.docker?.network),
          ...poolProblems(config),
          ...secretProblems(config.secrets),
        ];
  if (all.length > 0) throw invalid(file, all, `${KEYS}\npara config schema`);
  return config;
}

/** The value as the content of a docker.json. @throws CONFIG_INVALID with every problem in `details` */
export function checkDocker(file: string, value: unknown): DockerFile {
  const problems = problemsOf(value, validators.validateDockerFile);
  const docker = value as DockerFile;
  const all =
    problems.length > 0
      ? problems
      : [
          ...addressProblems(docker),
          ...domainProblems('network', docker.network),
          ...loaderProblems('environment', docker.environment),
        ];
  if (all.length > 0) throw invalid(file, all, `${KEYS}\npara config schema docker`);
  return docker;
}

/** Settings that open the way to the user's files: a repository may not hold them, whoever approves. */
const USER_ONLY = [
  'secrets',
  'docker.allowed_mounts',
  'docker.allowed_images',
  'docker.allow_custom_images',
  'docker.warm_pool',
  'docker.network.self_test',
  'docker.network.subnet_pool',
  'docker.network.proxy_image',
  'session.setup_allowed',
];

const USER_ONLY_WHY: Readonly<Partial<Record<string, string>>> = {
  secrets: 'a project may not say where secrets are; it asks for them by name, in .para/docker.json',
};

/** Refuses what only the user may decide. What a person may approve is in sessions/host-effects.ts. @throws CONFIG_INVALID */
export function refuseUserOnly(file: string, config: ConfigFile): void {
  const problems = USER_ONLY.filter((place) => settingAt(config, place) !== undefined).map((place) => ({
    place,
    message: USER_ONLY_WHY[place] ?? 'a project may not set this; put it in your own config',
  }));
  problems.push(...loaderProblems('docker.default_environment', config.docker?.default_environment));
  if (problems.length > 0) throw invalid(file, problems, 'Where your own config is:\npara config path');
}

/** What a tree of settings has at a path such as `docker.network.mode`; undefined when it says nothing of it. */
export function settingAt(tree: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], tree);
}

// What git-check-ref-format refuses in the first part of a branch name; a dash would make an option of it.
const NO_BRANCH = /^-|\.\.|@\{|[\p{Cc}\s~^:?*[\\]|(?:^|\/)\.|\.lock(?:\/|$)|\/\/|^\/|\/$/u;

/** A prefix that git does not take would fail every start. */
function prefixProblems({ git }: ConfigFile): readonly Problem[] {
  const prefix = git?.branch_prefix;
  if (prefix === undefined || !NO_BRANCH.test(prefix)) return [];
  const message = `expected the first part of a branch name, such as "para", found ${quote(prefix)}`;
  return [{ place: 'git.branch_prefix', message }];
}

/** An agent that is not told what to do would wait for it for ever. */
function agentProblems({ agent }: ConfigFile): readonly Problem[] {
  return (['command', 'resume_command'] as const).flatMap((key) => {
    const [program, ...words] = agent?.[key] ?? [];
    if (program === undefined || words.some((word) => /\{prompt(_file)?\}/.test(word))) return [];
    const message = 'expected {prompt} or {prompt_file} in one of the words after the program';
    return [{ place: `agent.${key}`, message }];
  });
}

/**
 * Names by which a loader, a shell, git or an engine's client takes other code or another server than it would: what para
 * and an agent run in the container must be what its image has (facts/security-reliability.md §4 Env).
 */
const LOADERS = /^(LD_|DYLD_|GIT_|DOCKER_|(PATH|NODE_OPTIONS|BASH_ENV)$)/;

/** @returns one for each variable that no file of a repository may set */
function loaderProblems(place: string, variables: Readonly<Record<string, string>> = {}): readonly Problem[] {
  return Object.keys(variables)
    .filter((name) => LOADERS.test(name))
    .map((name) => ({
      place: `${place}.${name}`,
      message: `a repository may not set this, as it changes what programs load; give it yourself: --env ${name}=…`,
    }));
}

/** An address that is none would be taken for a name by one engine, and for nothing by another. */
function addressProblems({ ports = [] }: DockerFile): readonly Problem[] {
  return ports.flatMap(({ host_ip: ip }, index) =>
    ip === undefined || isIP(ip) !== 0
      ? []
      : [{ place: `ports[${String(index)}].host_ip`, message: `expected an IP address, found ${quote(ip)}` }],
  );
}

/** A size has a unit, so a pattern can not hold it to its least. */
function sizeProblems(config: ConfigFile): readonly Problem[] {
  const size = config.docker?.default_resource_limits?.memory_limit;
  if (typeof size !== 'string') return [];
  try {
    parseSize(size);
    return [];
  } catch {
    return [
      {
        place: 'docker.default_resource_limits.memory_limit',
        message: `expected a size of at least "6m", found ${quote(size)}`,
      },
    ];
  }
}

/** What a restricted container may reach must be a list that the proxy reads in the same way. */
function domainProblems(
  place: string,
  network: { readonly allowed_domains?: readonly string[] } | undefined,
): readonly Problem[] {
  return (network?.allowed_domains ?? []).flatMap((entry, index) => {
    const message = domainProblem(entry);
    return message === undefined ? [] : [{ place: `${place}.allowed_domains[${String(index)}]`, message }];
  });
}

/** Addresses of the internet would be cut off from every restricted container (RFC 1918). */
function poolProblems({ docker }: ConfigFile): readonly Problem[] {
  const pool = docker?.network?.subnet_pool;
  if (
    pool === undefined ||
    /^(10\.(\d\d?|1\d\d|2[0-4]\d|25[0-5])|172\.(1[6-9]|2\d|3[01])|192\.168)\.0\.0\//.test(pool)
  )
    return [];
  const message = `expected private addresses such as "10.213.0.0/16", found ${quote(pool)}`;
  return [{ place: 'docker.network.subnet_pool', message }];
}

function invalid(file: string, problems: readonly Problem[], hint: string): ParaError {
  return new ParaError('CONFIG_INVALID', `${file}: ${summaryOf(problems)}`, {
    hint,
    details: { file, problems: problems.map(problemText) },
  });
}
