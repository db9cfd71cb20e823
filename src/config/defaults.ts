/** What holds when no file says otherwise (seed: Configuration Schema). */
import type { ConfigFile } from './generated/types.ts';

type Section<K extends keyof ConfigFile> = NonNullable<ConfigFile[K]>;
type DeepRequired<T> = T extends (infer I)[]
  ? DeepRequired<I>[]
  : T extends object
    ? { [K in keyof T]-?: DeepRequired<NonNullable<T[K]> | Extract<T[K], null>> }
    : T;

/** Keys of upstream configs that para accepts and does not use. */
type NotUsed = 'setup_script' | 'forward_env_keys';

/** The agent as one file names it, whole. */
export type AgentSettings = Readonly<Section<'agent'>>;

/** Every setting with a value; the generated type with nothing optional. */
export interface Config {
  readonly git: DeepRequired<Section<'git'>>;
  readonly session: DeepRequired<Section<'session'>>;
  /** Empty when nobody named an agent. */
  readonly agent: AgentSettings;
  /** By name; only of the user's own file. */
  readonly secrets: Section<'secrets'>;
  readonly docker: DeepRequired<Omit<Section<'docker'>, NotUsed>>;
}

/** The network with nothing left out. */
export type NetworkSettings = Config['docker']['network'];

/** The lowest layer of every merge. Memory in bytes. */
export const DEFAULTS = {
  git: { branch_prefix: 'para', auto_stage: true, auto_commit: true, push: 'auto', remote: null },
  session: {
    default_name_format: null,
    preserve_on_finish: false,
    auto_cleanup_days: 30,
    setup_allowed: [],
  },
  agent: {},
  secrets: {},
  docker: {
    enabled: false,
    engine: 'auto',
    hardening: 'default',
    git: 'sealed',
    limits: 'best-effort',
    default_image: 'ubuntu:latest',
    image_mappings: {
      rust: 'rust:latest',
      node: 'node:lts',
      python: 'python:3.11',
      go: 'golang:latest',
      java: 'openjdk:17',
      ruby: 'ruby:latest',
      php: 'php:8-cli',
      dotnet: 'dotnet/sdk:7.0',
    },
    default_volumes: [{ source: '$WORKTREE', target: '/workspace', read_only: false }],
    default_environment: {},
    allowed_mounts: [],
    allowed_images: null,
    allow_custom_images: true,
    warm_pool: 0,
    default_resource_limits: { cpu_limit: 2.0, memory_limit: 4294967296, pids_limit: 512 },
    auto_recovery: { enabled: true, max_restarts: 3, window_seconds: 600, backoff: 10 },
    network: {
      mode: 'bridge',
      allowed_domains: [],
      self_test: true,
      subnet_pool: '10.213.0.0/16',
      proxy_image: null,
      create_custom_network: true,
      custom_network_name: 'para-network',
    },
  },
} satisfies Config;
