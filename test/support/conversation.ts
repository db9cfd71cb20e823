/** What para says to an engine in a session's life, word for word, for the tests that hold it to that. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { detection, OPERATION, ready, repoId, runPara, type EngineCall } from './run-para.ts';
import type { TempRepo } from './temp-repo.ts';

/** A kind of engine; `rootless` is podman. */
export type Which = 'docker' | 'podman' | 'rootless';
export const WHICH: readonly Which[] = ['docker', 'podman', 'rootless'];

/** How an `EngineCall` ends otherwise than well. */
export type Ending = Partial<Omit<EngineCall, 'argv'>>;

/** What differs from the container of a session `fix` with the default settings. */
export interface Wanted {
  readonly image?: string;
  readonly hardening?: readonly string[];
  readonly limits?: readonly string[];
  /** It has a place for secrets. */
  readonly secrets?: boolean;
  /** Names of logins among them that are renewed where they are used. */
  readonly logins?: readonly string[];
  /** It is lent the ssh agent. */
  readonly sshAgent?: boolean;
  readonly network?: string;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly env?: readonly string[];
}

/** The id of the container that `create` makes. */
export const ID = 'c'.repeat(64);

const AGENT = '/run/para/ssh-agent.sock';
const MEMORY = 'rw,nosuid,nodev,noexec,size=1m,mode=0700';

/** `--mount` as it is written for every engine. */
export function mount(source: string, target: string, tail = ''): readonly string[] {
  return ['--mount', `type=bind,"source=${source}","target=${target}"${tail}`];
}

function agentWords({ sshAgent }: Wanted): readonly string[] {
  return sshAgent === true ? ['-e', `SSH_AUTH_SOCK=${AGENT}`] : [];
}

/** A container as the engine lists it; its port 80 is on 8080 when it runs. */
export interface Row {
  readonly name: string;
  readonly state: string;
}

function dockerRow({ name, state }: Row): object {
  const ports = state === 'running' ? '127.0.0.1:8080->80/tcp' : '';
  return { ID: ID, Names: name, Image: 'ubuntu:latest', State: state, Status: `S ${state}`, Ports: ports };
}

function podmanRow({ name, state }: Row): object {
  const port = { host_ip: '127.0.0.1', container_port: 80, host_port: 8080, range: 1, protocol: 'tcp' };
  const ports = state === 'running' ? [port] : null;
  return { Id: ID, Names: [name], Image: 'ubuntu:latest', State: state, Status: `S ${state}`, Ports: ports };
}

/** Starts a session with a container, and returns how to go on talking about it. */
export async function started(repo: TempRepo, which: Which, session = 'fix'): Promise<Conversation> {
  const talk = new Conversation(repo, which, session);
  const calls = [talk.imageThere(), talk.networkThere(), talk.create(), talk.start()];
  const known = existsSync(join(repo.base, 'home/.cache/para'));
  const ran = await runPara(repo, `start ${session} --docker --engine ${talk.engine}`, {
    calls: known ? calls : [...detection(which), ...calls],
  });
  if (ran.code !== 0) throw new Error(ran.stderr);
  return talk;
}

/** The calls about one session. */
export class Conversation {
  readonly engine: 'docker' | 'podman';
  readonly container: string;
  readonly network: string;
  readonly worktree: string;
  private readonly id: string;
  private readonly repo: TempRepo;
  private readonly which: Which;
  private readonly session: string;

  constructor(repo: TempRepo, which: Which = 'docker', session = 'fix') {
    this.repo = repo;
    this.which = which;
    this.session = session;
    this.engine = which === 'docker' ? 'docker' : 'podman';
    this.id = repoId(repo);
    this.container = `para-${this.id}-${session}`;
    this.network = `para-network-${this.id}`;
    this.worktree = join(repo.root, '.para/worktrees', session);
  }

  imageThere(image = 'ubuntu:latest'): EngineCall {
    const stdout = JSON.stringify([{ Id: `sha256:${'a'.repeat(64)}`, Config: { User: '' } }]);
    return this.call(['image', 'inspect', '--', image], { stdout });
  }

  imageAbsent(image = 'ubuntu:latest'): EngineCall {
    const stderr =
      this.engine === 'docker'
        ? `Error response from daemon: No such image: ${image}\n`
        : `Error: inspecting object: ${image}: image not known\n`;
    return this.call(['image', 'inspect', '--', image], { exitCode: 1, stdout: '[]\n', stderr });
  }

  pull(image = 'ubuntu:latest', ending: Ending = {}): EngineCall {
    return this.call(['pull', '--', image], ending);
  }

  networkThere(): EngineCall {
    const docker = { Name: this.network, Id: ID, Labels: {} };
    const podman = { name: this.network, labels: {} };
    const stdout = JSON.stringify([this.engine === 'docker' ? docker : podman]);
    return this.call(['network', 'inspect', '--', this.network], { stdout });
  }

  networkAbsent(): EngineCall {
    const stderr =
      this.engine === 'docker'
        ? `Error response from daemon: network ${this.network} not found\n`
        : `Error: network ${this.network}: unable to find network with name or ID ${this.network}: network not found\n`;
    return this.call(['network', 'inspect', '--', this.network], { exitCode: 1, stdout: '[]\n', stderr });
  }

  networkCreate(ending: Ending = {}): EngineCall {
    const labels = ['para.schema=1', `para.repo=${this.id}`, 'para.role=network'];
    const words = labels.flatMap((label) => ['--label', label]);
    return this.call(['network', 'create', ...words, '--', this.network], ending);
  }

  networkRemove(ending: Ending = {}): EngineCall {
    return this.call(['network', 'rm', '--', this.network], ending);
  }

  create(wanted: Wanted = {}, ending: Ending = {}): EngineCall {
    return this.call(this.createWords(wanted), { stdout: `${ID}\n`, ...ending });
  }

  start(ending: Ending = { effect: ready(this.repo, this.session) }): EngineCall {
    return this.call(['start', '--', this.container], ending);
  }

  /** Starting one that was stopped. */
  wake(ending: Ending = {}): EngineCall {
    return { ...this.start(), proof: this.status('running'), ...ending };
  }

  stop(grace = 10, ending: Ending = {}): EngineCall {
    return this.call(['stop', '-t', String(grace), '--', this.container], {
      proof: this.status('exited'),
      ...ending,
    });
  }

  remove(ending: Ending = {}): EngineCall {
    const now = this.engine === 'docker' ? [] : ['-t', '0'];
    return this.call(['rm', '-f', ...now, '--', this.container], { proof: this.statusGone(), ...ending });
  }

  logs(flags: readonly string[] = [], ending: Ending = {}): EngineCall {
    return this.call(['logs', ...flags, '--', this.container], ending);
  }

  /** `inspect` of the container, in this state, with labels when it is the session's; docker's and podman's JSON are alike here. */
  status(state: string, exitCode = 0, isOurs = false): EngineCall {
    const labels = isOurs ? { 'para.repo': this.id, 'para.session': this.session } : {};
    const found = {
      ...{ Id: ID, Name: this.container, Created: '2026-01-02T03:04:05Z', RestartCount: 0 },
      State: { Status: state, Running: state === 'running', ExitCode: exitCode, OOMKilled: false, Error: '' },
      Config: { Image: 'ubuntu:latest', Labels: labels },
      ...{ HostConfig: {}, Mounts: [], NetworkSettings: {} },
    };
    return this.call(['inspect', '--type', 'container', '--', this.container], {
      stdout: JSON.stringify([found]),
    });
  }

  /** The list of the repository's containers, with these in it; `role` as `para list` asks. */
  list(rows: readonly Row[], role: readonly string[] = []): EngineCall {
    const filters = [`label=para.repo=${this.id}`, ...role].flatMap((filter) => ['--filter', filter]);
    const format = this.engine === 'docker' ? '{{json .}}' : 'json';
    const stdout =
      this.engine === 'docker'
        ? rows.map((row) => `${JSON.stringify(dockerRow(row))}\n`).join('')
        : JSON.stringify(rows.map(podmanRow));
    return this.call(['ps', '-a', '--no-trunc', ...filters, '--format', format], { stdout });
  }

  /** The list of all containers that have a login. */
  listLogin(login: string, rows: readonly Row[] = []): EngineCall {
    const call = this.list(rows);
    const argv = call.argv.map((word) => (word.startsWith('label=') ? `label=para.login.${login}=1` : word));
    return { ...call, argv: [this.engine, ...argv.slice(1)] };
  }

  /** `inspect` of the container that runs with the default limits, with its labels. */
  inspectRunning(limits: object = {}): EngineCall {
    const call = this.status('running', 0, true);
    const [found] = JSON.parse(call.stdout ?? '') as [object];
    const HostConfig = { Memory: 2 ** 32, NanoCpus: 2e9, PidsLimit: 512, ...limits };
    return { ...call, stdout: JSON.stringify([{ ...found, HostConfig }]) };
  }

  /** `inspect --size` of the session's container. */
  sizes(found: object): EngineCall {
    const stdout = JSON.stringify([{ Name: this.container, HostConfig: {}, Mounts: [], ...found }]);
    return this.call(['inspect', '--size', '--type', 'container', '--', this.container], { stdout });
  }

  update(flags: readonly string[], ending: Ending = {}): EngineCall {
    return this.call(['update', ...flags, '--', this.container], ending);
  }

  /** What containers use, by id; podman is asked twice, for CPU time between the two. */
  stats(ending: Ending = {}): EngineCall {
    const format = this.engine === 'docker' ? '{{json .}}' : 'json';
    const docker = {
      ...{ ID, CPUPerc: '12.50%', PIDs: '3', NetIO: '1kB / 0B', BlockIO: '0B / 2MB' },
      MemUsage: '2.5MiB / 4GiB',
    };
    const podman = {
      ...{ id: ID, cpu_time: '1s', cpu_percent: '12.50%', pids: '3', net_io: '1kB / 0B' },
      ...{ block_io: '0B / 2MB', mem_usage: '2.621MB / 4.295GB' },
    };
    const stdout = JSON.stringify([this.engine === 'docker' ? docker : podman]);
    return this.call(['stats', '--no-stream', '--no-trunc', '--format', format, '--', ID], {
      stdout,
      ...ending,
    });
  }

  /** Putting the secrets in. */
  secrets(ending: Ending = {}): EngineCall {
    const argv = ['sh', '/run/para/cmd/secrets.sh', '/run/secrets'];
    return this.call(['exec', '-i', '--', this.container, ...argv], ending);
  }

  statusGone(): EngineCall {
    const said = `${this.engine === 'docker' ? 'Error response from daemon: No' : 'Error: inspecting object: no'} such container`;
    return this.call(['inspect', '--type', 'container', '--', this.container], {
      exitCode: 1,
      ...{ stdout: '[]\n', stderr: `${said}: ${this.container}\n` },
    });
  }

  private call(words: readonly string[], ending: Ending): EngineCall {
    return { argv: [this.engine, ...words], ...ending };
  }

  private createWords(wanted: Wanted): readonly string[] {
    const { image = 'ubuntu:latest', env = [], ports = [], volumes = [] } = wanted;
    const { session, which } = this;
    const uid = `${String(process.getuid?.())}:${String(process.getgid?.())}`;
    return [
      ...['create', '--pull', 'never', '--init'],
      ...['--name', this.container, '--hostname', session, '--workdir', '/workspace'],
      ...this.labels(wanted),
      ...(wanted.hardening ?? ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']),
      ...(wanted.limits ?? ['--pids-limit', '512', '--memory', '4294967296', '--cpus', '2']),
      ...['--ipc', 'private', ...(which === 'docker' ? ['--ulimit', 'core=0'] : [])],
      ...this.memory(wanted),
      ...['--log-driver', 'json-file', '--restart', 'no'],
      ...(which === 'rootless' ? ['--userns', 'keep-id'] : ['--user', uid]),
      ...['--network', wanted.network ?? this.network],
      ...this.mounts(volumes, wanted),
      ...ports.flatMap((port) => ['-p', port]),
      ...env.flatMap((pair) => ['-e', pair]),
      ...['-e', 'HOME=/para/home', '-e', `PARA_SESSION=${session}`],
      ...['-e', 'PARA_WORKSPACE=/workspace', '-e', 'PARA_STATUS_DIR=/run/para/out'],
      ...['-e', 'PARA_COMMAND_DIR=/run/para/cmd'],
      ...agentWords(wanted),
      ...['--entrypoint', 'sh', '--', image, '/run/para/cmd/runner.sh'],
    ];
  }

  private labels({ logins = [] }: Wanted): readonly string[] {
    return [
      ...['schema=1', `repo=${this.id}`, `session=${this.session}`, 'role=dev', `op=${OPERATION}`],
      ...[...logins.map((name) => `login.${name}=1`), 'spec=SPEC'],
    ].flatMap((label) => ['--label', `para.${label}`]);
  }

  /** The place for its secrets, and whose that is, as each engine is told. */
  private memory({ secrets = false }: Wanted): readonly string[] {
    const uid = `,uid=${String(process.getuid?.())},gid=${String(process.getgid?.())}`;
    return secrets ? ['--tmpfs', `/run/secrets:${MEMORY}${this.which === 'docker' ? uid : ',U'}`] : [];
  }

  /** The worktree, what was asked for, git's own directory and the objects it borrows, and para's own. */
  private mounts(volumes: readonly string[], { sshAgent }: Wanted): readonly string[] {
    const state = join(this.repo.root, '.para/state/docker', this.session);
    return [
      ...mount(this.worktree, '/workspace'),
      ...volumes,
      ...mount(join(state, 'gitfile'), '/workspace/.git', ',readonly'),
      ...mount(join(state, 'git'), '/para/git'),
      ...mount(join(this.repo.root, '.git/objects'), '/para/objects', ',readonly'),
      ...(sshAgent === true ? mount(join(state, 'ssh-agent.sock'), AGENT, ',readonly') : []),
      ...mount(join(state, 'home'), '/para/home'),
      ...mount(join(state, 'out'), '/run/para/out'),
      ...mount(join(state, 'cmd'), '/run/para/cmd', ',readonly'),
      ...mount(join(state, 'logs'), '/run/para/logs'),
      ...mount(join(state, 'cmd/para-status'), '/usr/local/bin/para-status', ',readonly'),
    ];
  }
}
