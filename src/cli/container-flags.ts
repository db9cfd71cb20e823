/** The options that are about a session's container, and what they ask for. */
import { cpus as availableCpus } from 'node:os';
import { domainProblem } from '../config/domains.ts';
import { parseSize } from '../config/size.ts';
import { parseVolume } from '../docker/mounts.ts';
import { parseEnv, parsePort } from '../docker/publish.ts';
import { ParaError } from '../errors.ts';
import type { ContainerFlags } from '../sessions/container-plan.ts';
import type { NetworkFlags, NetworkMode } from '../sessions/network-plan.ts';
import { readEnvFile, resolveEnv } from '../sessions/env-file.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import type { App } from './app.ts';

const strings = {
  type: 'string',
  array: true,
  nargs: 1,
  default: [] as string[],
  requiresArg: true,
} as const;

/** What a container is like: for every command that makes one. */
export const LIKENESS_OPTIONS = {
  image: { alias: 'docker-image', type: 'string', requiresArg: true, describe: 'Image of the container' },
  pin: {
    type: 'boolean',
    default: false,
    describe: 'Take the image by its digest, now and when the container is made again',
  },
  env: { ...strings, describe: 'Environment of the container: NAME=VALUE, or NAME to pass yours' },
  'env-file': { ...strings, describe: 'File of NAME=VALUE lines' },
  port: { ...strings, describe: 'Publish a port on 127.0.0.1: [HOST:]CONTAINER[/udp]' },
  volume: { ...strings, describe: 'Mount a host directory: SOURCE:TARGET[:ro]' },
  cpus: { type: 'string', requiresArg: true, describe: 'CPUs, such as 1.5' },
  memory: { type: 'string', requiresArg: true, describe: 'Memory, such as 512m or 4g' },
  'ssh-agent': {
    type: 'boolean',
    default: false,
    describe: 'Lend it your ssh agent: what runs inside can use your keys while it runs, and not read them',
  },
  network: {
    choices: ['none', 'restricted', 'bridge'] as const,
    requiresArg: true,
    describe: 'How far it reaches: nowhere, the allowed domains alone, or everywhere',
    defaultDescription: 'docker.network.mode',
  },
  'allow-domain': {
    ...strings,
    describe: 'Reach this domain, *.domain, domain:port or preset (npm, pypi, github, …); implies restricted',
  },
} as const;

/** The same, for commands that make one when they are asked to. */
export const CONTAINER_OPTIONS = {
  docker: {
    alias: ['container', 'c'],
    type: 'boolean',
    describe: 'With a container (--no-docker: without); implied by the options of the container',
    defaultDescription: 'docker.enabled',
  },
  ...LIKENESS_OPTIONS,
} as const;

interface Flags {
  readonly image: string | undefined;
  readonly pin: boolean;
  readonly env: readonly string[];
  readonly 'env-file': readonly string[];
  readonly port: readonly string[];
  readonly volume: readonly string[];
  readonly cpus: string | undefined;
  readonly memory: string | undefined;
  readonly 'ssh-agent': boolean;
  readonly network: NetworkMode | undefined;
  readonly 'allow-domain': readonly string[];
}

const NAMES = Object.keys(LIKENESS_OPTIONS) as readonly (keyof typeof LIKENESS_OPTIONS)[];

/** The first word about what the container is like, if one was given. */
export function givenOption(args: Flags): string | undefined {
  return NAMES.find((name) => {
    const given = args[name] ?? [];
    return typeof given === 'boolean' ? given : given.length > 0;
  });
}

/** A word about the container asks for one. @throws USAGE when it is at once refused */
export function wantsContainer(args: Flags & { readonly docker: boolean | undefined }): boolean | undefined {
  const given = givenOption(args);
  if (given === undefined || args.docker === true) return args.docker;
  if (args.docker === undefined) return true;
  throw new ParaError('USAGE', `--${given} is about the container, and --no-docker wants none`, {
    hint: 'para start --help',
  });
}

/** What the options ask of the container. @throws USAGE */
export async function containerFlags(args: Flags, app: App): Promise<ContainerFlags> {
  const files = await Promise.all(args['env-file'].map((file) => readEnvFile(file, app.cwd, app.env)));
  return {
    image: args.image,
    pin: args.pin,
    env: Object.assign({}, ...files, resolveEnv(args.env.map(parseEnv), app.env)) as Record<string, string>,
    ports: args.port.map(parsePort),
    volumes: args.volume.map(parseVolume),
    cpus: args.cpus === undefined ? undefined : parseCpus(args.cpus),
    memoryBytes: args.memory === undefined ? undefined : parseSize(args.memory),
    sshAgent: args['ssh-agent'],
    network: networkFlags(args),
  };
}

/** @throws USAGE for what is no domain, and for domains of a network that has no list */
function networkFlags({ network: mode, 'allow-domain': allowDomains }: Flags): NetworkFlags {
  requireDomains('--allow-domain', allowDomains);
  if (allowDomains.length > 0 && mode !== undefined && mode !== 'restricted')
    throw new ParaError('USAGE', `--allow-domain is about a restricted network, not --network ${mode}`, {
      hint: `--network restricted --allow-domain ${shellQuote(allowDomains[0] ?? '')}`,
    });
  return { mode, allowDomains };
}

/** @throws USAGE for what is no domain */
export function requireDomains(flag: string, entries: readonly string[]): void {
  for (const entry of entries) {
    const problem = domainProblem(entry);
    if (problem !== undefined)
      throw new ParaError('USAGE', `${flag}: ${problem}`, { hint: `${flag} example.com` });
  }
}

/** `--cpus` as typed. @throws USAGE when it is no number, or more than there are */
export function parseCpus(text: string): number {
  const cpus = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  // An engine on Linux has the CPUs of this machine; elsewhere it may have fewer, and says so itself.
  const most = process.platform === 'linux' ? availableCpus().length : 4096;
  if (cpus > most)
    throw new ParaError('USAGE', `--cpus ${text} is more than this machine has: ${String(most)}`, {
      hint: `--cpus ${String(most)}`,
    });
  if (cpus >= 0.01) return cpus;
  throw new ParaError('USAGE', `--cpus ${JSON.stringify(text)} is not a number of CPUs`, {
    hint: '--cpus 1.5',
  });
}
