/** Says what works on this machine: for each engine what it is, what it enforces, and how to mend what is wrong. */
import { readFile } from 'node:fs/promises';
import { askDesktopVersion, probeEngines, type EngineProbe } from '../docker/detect.ts';
import type { Engine, EngineName, UserMapping } from '../docker/driver.ts';
import { createDockerService } from '../docker/service.ts';
import { endStrays, findStrays } from '../docker/strays.ts';
import { tryContainer } from '../docker/trial.ts';
import type { ParaError } from '../errors.ts';
import { knownHoles } from '../docker/known-holes.ts';
import { enforcedLimits, unenforcedLimits } from '../docker/limits.ts';
import type { Runner } from '../sys/run.ts';

/** One remark; `fix` is what to type or to change. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly text: string;
  readonly fix?: string;
}

/** All that is known of one subject. */
export interface Check {
  readonly subject: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly findings: readonly Finding[];
}

/** The whole answer. `usable`: at least one engine can run containers. */
export interface Diagnosis {
  readonly usable: boolean;
  readonly checks: readonly Check[];
}

/** What diagnosing needs. */
export interface DoctorContext {
  readonly runner: Runner;
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  /** The one engine to ask, or `auto` for all. */
  readonly wanted: 'auto' | EngineName;
  readonly caller: { readonly uid: number; readonly gid: number };
}

/** Asks the engines anew; never throws for an engine that does not answer. */
export async function diagnose(context: DoctorContext): Promise<Diagnosis> {
  const probes = await probeEngines({
    runner: context.runner,
    env: context.env,
    wanted: context.wanted,
    cacheDir: context.cacheDir,
    fresh: true,
  });
  const checks = await Promise.all(
    probes.map(async (probe) =>
      probe.engine === undefined ? broken(probe) : answering(probe.engine, context),
    ),
  );
  const usable = checks.some(({ findings }) => findings.every(({ level }) => level !== 'fail'));
  const answers = probes.some((probe) => probe.engine !== undefined);
  const isInstalled = probes.some(
    ({ error }) => error !== undefined && error.code !== 'ENGINE_NOT_INSTALLED',
  );
  return { usable, checks: answers ? checks : [...checks, await whatToDo(context, isInstalled)] };
}

function broken(probe: Extract<EngineProbe, { error: object }>): Check {
  const { message, hint } = probe.error;
  return {
    subject: probe.name,
    facts: [],
    findings: [{ level: 'fail', text: message, ...(hint === undefined ? {} : { fix: hint }) }],
  };
}

async function answering(engine: Engine, context: DoctorContext): Promise<Check> {
  const refused = await tryContainer(engine, context.runner, context.caller);
  const { capabilities: can, driver } = engine;
  const mapping = driver.userMapping(context.caller, can);
  const fact = (name: string, value: string): { name: string; value: string } => ({ name, value });
  return {
    subject: driver.name,
    facts: [
      fact('binary', engine.binary),
      fact(
        'version',
        can.serverVersion === engine.version
          ? engine.version
          : `${engine.version} (server ${can.serverVersion})`,
      ),
      fact('endpoint', engine.endpoint),
      fact('mode', can.rootless ? 'rootless' : 'root'),
      fact('cgroup', can.cgroupVersion === undefined ? 'unknown' : `v${String(can.cgroupVersion)}`),
      fact('limits', limitsText(engine)),
      fact('user mapping', mappingText(mapping)),
      fact('storage driver', can.storageDriver),
      fact('runtime', `${can.runtime} ${can.runtimeVersion}`.trim()),
      fact('health checks', can.healthDriver === 'engine' ? 'run by the engine' : 'run by para'),
    ],
    findings: [
      refused === undefined ? { level: 'ok', text: 'runs containers' } : trialFinding(refused),
      ...(await strayFindings(engine, context.runner)),
      ...limitFindings(engine),
      ...storageFindings(engine),
      ...mappingFindings(engine),
      ...(await holeFindings(engine, context.runner)),
    ],
  };
}

/** The error's own sentence and the engine's last words, with what to change. */
function trialFinding({ message, hint, details }: ParaError): Finding {
  const said = typeof details?.['said'] === 'string' ? `: ${details['said']}` : '';
  return { level: 'fail', text: message + said, ...(hint === undefined ? {} : { fix: hint }) };
}

async function strayFindings(engine: Engine, runner: Runner): Promise<readonly Finding[]> {
  const strays = await findStrays(createDockerService(engine, runner)).catch(() => []); // the trial says what is wrong
  if (strays.length === 0) return [];
  const names = strays.map(({ pid, name }) => `${String(pid)} (${name})`).join(', ');
  const text = `processes watch containers that the engine has no record of: ${names}`;
  return [{ level: 'warn', text, fix: endStrays(strays) }];
}

function limitsText({ capabilities }: Engine): string {
  return enforcedLimits(capabilities)
    .map(([name, enforced]) => `${name} ${enforced ? 'enforced' : 'NOT enforced'}`)
    .join(', ');
}

function limitFindings(engine: Engine): readonly Finding[] {
  const missing = unenforcedLimits(engine.capabilities, 'best-effort');
  if (missing.length === 0) return [];
  const { rootless, cgroupVersion } = engine.capabilities;
  const fix = rootless
    ? cgroupVersion === 1
      ? 'A rootless engine can limit nothing on cgroup v1. Boot with systemd.unified_cgroup_hierarchy=1, or use the engine as root.'
      : 'Delegate the controllers to your user: systemctl edit user@.service, add [Service] Delegate=cpu cpuset io memory pids'
    : 'The kernel lacks these cgroup controllers: look at /proc/cgroups.';
  return [
    {
      level: 'warn',
      text: `limits on ${missing.join(', ')} are not enforced: a session can use all of the machine`,
      fix,
    },
  ];
}

function storageFindings({ capabilities }: Engine): readonly Finding[] {
  if (capabilities.storageDriver !== 'vfs') return [];
  return [
    {
      level: 'warn',
      text: 'the vfs storage driver copies the whole image for every container',
      fix: 'Set driver = "overlay" in ~/.config/containers/storage.conf (and install fuse-overlayfs on an older kernel).',
    },
  ];
}

function mappingFindings({ capabilities }: Engine): readonly Finding[] {
  if (!capabilities.usernsRemap) return [];
  return [
    {
      level: 'fail',
      text: 'the daemon shifts user ids (userns-remap): files made in a container would not be yours',
      fix: 'Remove "userns-remap" from the daemon\'s daemon.json, or use rootless docker or podman.',
    },
  ];
}

/** Never more than a warning (known-holes.ts). */
async function holeFindings(engine: Engine, runner: Runner): Promise<readonly Finding[]> {
  const { driver, capabilities } = engine;
  return knownHoles(driver.name, capabilities, await askDesktopVersion(engine, runner)).map((text) => ({
    level: 'warn',
    text: `${text}: a container could get out of its box, unless your distribution has mended it`,
    fix: 'Update it, or look for these numbers in the changelog of its package.',
  }));
}

function mappingText(mapping: UserMapping): string {
  if (mapping.kind === 'user') return `--user ${String(mapping.uid)}:${String(mapping.gid)}`;
  return mapping.kind === 'keep-id' ? '--userns keep-id' : 'root in the container is you';
}

/** For a machine where no engine works: mend the one that is there, or install one. */
async function whatToDo(context: DoctorContext, isInstalled: boolean): Promise<Check> {
  const which =
    context.wanted === 'auto' ? 'no container engine works here' : `${context.wanted} does not work here`;
  const fix = isInstalled
    ? 'Do what is said above, then: para doctor'
    : context.wanted === 'auto'
      ? await howToInstall(context)
      : 'Look for another engine: para doctor';
  return {
    subject: 'what to do',
    facts: [],
    findings: [{ level: 'fail', text: `${which}; sessions without a container still work`, fix }],
  };
}

async function howToInstall({ caller }: DoctorContext): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const id = /^ID(?:_LIKE)?=.*\b(debian|ubuntu|fedora|rhel|arch|alpine|suse)\b/m.exec(release)?.[1] ?? '';
  const sudo = caller.uid === 0 ? '' : 'sudo ';
  const commands: Readonly<Record<string, string>> = {
    debian: `${sudo}apt-get install -y podman`,
    ubuntu: `${sudo}apt-get install -y podman`,
    fedora: `${sudo}dnf install -y podman`,
    rhel: `${sudo}dnf install -y podman`,
    arch: `${sudo}pacman -S podman`,
    alpine: `${sudo}apk add podman`,
    suse: `${sudo}zypper install podman`,
  };
  return (
    commands[id] ??
    (process.platform === 'darwin'
      ? 'brew install podman && podman machine init && podman machine start'
      : 'Install docker or podman with your package manager.')
  );
}
