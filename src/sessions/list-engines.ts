/** What the engines say of a repository's containers, for `list`. Reads only. */
import type { ContainerRow, EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import type { Heard } from './health-now.ts';
import { OOM_KILLED, oomKilledAmong, type OomKilled } from './limit-hit.ts';
import { isNetworkGone } from './network.ts';
import { proxyName } from './proxy-spec.ts';
import type { SessionRecord } from './store.ts';

/** The engines that sessions have containers of. */
export function enginesOf(records: readonly SessionRecord[]): readonly EngineName[] {
  return [
    ...new Set(records.flatMap((record) => (record.container === null ? [] : [record.container.engine]))),
  ];
}

/** The state of a container that has lost its network. */
export const STRANDED = 'network missing';

/** What an engine said of a repository's containers. */
export interface Asked {
  readonly engine: EngineName;
  readonly rows: readonly ContainerRow[];
  /** Containers that can not be started again, as their network is gone. */
  readonly stranded: ReadonlySet<string>;
  /** Containers that the kernel has ended for want of memory; undefined when it was not asked. */
  readonly oomKilled?: OomKilled;
  readonly error: ParaError | undefined;
}

/** What its list leaves out is looked for once more, since it would be made again. @throws when the engine has it */
async function requireWhole(
  service: DockerService,
  all: readonly SessionRecord[],
  rows: readonly ContainerRow[],
): Promise<void> {
  const engine = service.engine.driver.name;
  const missing = all.flatMap(({ container, status }) =>
    container?.engine === engine && status === 'active' && !rows.some(({ name }) => name === container.name)
      ? [container.name]
      : [],
  );
  const [found] = await service.inspect(missing);
  if (found === undefined) return;
  throw new ParaError(
    'ENGINE_OUTPUT_UNREADABLE',
    `${engine} leaves ${found.name} out of its list, and has it`,
  );
}

/** Of an engine that does not answer. */
export function unanswered(engine: EngineName, error: ParaError): Asked {
  return { engine, rows: [], stranded: new Set(), error };
}

/** Why containers are left out of a list; nothing when they are not. */
export function notShown({ error }: Asked): readonly string[] {
  return error === undefined ? [] : [`${error.message}; containers are not shown`];
}

/** Containers of sessions of the repository, and their proxies when one has such. @throws as the engine does */
export function rowsIn(
  service: DockerService,
  repo: Repository,
  all: readonly SessionRecord[],
): Promise<readonly ContainerRow[]> {
  const hasProxies = all.some(({ container }) => container?.restricted !== undefined);
  return service.list({ 'para.repo': repo.id, ...(hasProxies ? {} : { 'para.role': 'dev' }) });
}

/** Asks one engine; that it does not answer is an answer. */
export async function askEngine(
  context: { dockerFor(engine: EngineName): Promise<DockerService> },
  { repo, all }: { readonly repo: Repository; readonly all: readonly SessionRecord[] },
  engine: EngineName,
): Promise<Asked> {
  try {
    const service = await context.dockerFor(engine);
    const rows = await rowsIn(service, repo, all);
    await requireWhole(service, all, rows);
    const stranded = await strandedOf(service, all, rows);
    return { engine, rows, stranded, oomKilled: await oomKilledAmong(service, rows), error: undefined };
  } catch (error) {
    if (!(error instanceof ParaError)) throw error;
    return unanswered(engine, error);
  }
}

/** One that runs has its network: of the others the engine is asked, when there are any. */
async function strandedOf(
  service: DockerService,
  all: readonly SessionRecord[],
  rows: readonly ContainerRow[],
): Promise<ReadonlySet<string>> {
  const stopped = new Set(rows.filter(({ state }) => state === 'exited').map(({ name }) => name));
  const containers = all.flatMap(({ status, container }) =>
    status === 'active' && container !== null && stopped.has(container.name) ? [container] : [],
  );
  const gone = await Promise.all(containers.map((container) => isNetworkGone(service, container)));
  return new Set(containers.filter((_, index) => gone[index]).map(({ name }) => name));
}

/** The state of a session's container, in a word. */
function containerState({ container }: SessionRecord, asked: readonly Asked[]): string | null {
  if (container === null) return null;
  const answer = asked.find(({ engine }) => engine === container.engine);
  if (answer === undefined || answer.error !== undefined) return 'not asked';
  if (answer.stranded.has(container.name)) return STRANDED;
  if (answer.oomKilled?.has(container.name) === true) return OOM_KILLED;
  const state = answer.rows.find(({ name }) => name === container.name)?.state ?? 'missing';
  return withoutProxy(container, state, answer.rows) ?? state;
}

/** The state of a restricted container whose proxy is gone, and of one that runs while its proxy does not. */
export const NO_PROXY = 'proxy missing';
export const PROXY_DOWN = 'proxy down';

/** What is wrong with the proxy of a container in this state; undefined when nothing is, or it needs none. */
export function withoutProxy(
  container: NonNullable<SessionRecord['container']>,
  state: string,
  all: readonly Pick<ContainerRow, 'name' | 'state'>[],
): typeof NO_PROXY | typeof PROXY_DOWN | undefined {
  if (container.restricted === undefined || state === 'missing') return undefined;
  const proxy = all.find(({ name }) => name === proxyName(container));
  if (proxy === undefined) return NO_PROXY;
  return state === 'running' && proxy.state !== 'running' ? PROXY_DOWN : undefined;
}

/** What was heard of a session's container; its text is '' when nothing was said. */
export function heardOf(record: SessionRecord, asked: readonly Asked[]): Heard {
  const { container } = record;
  const answer = asked.find(({ engine }) => engine === container?.engine);
  return {
    container: containerState(record, asked),
    status: rowOf(record, asked)?.status ?? '',
    memoryBytes: answer?.oomKilled?.get(container?.name ?? ''),
  };
}

/** What its engine's list has of it; with the ports that a restricted one's proxy publishes for it. */
export function rowOf({ container }: SessionRecord, asked: readonly Asked[]): ContainerRow | undefined {
  const rows = asked.find(({ engine }) => engine === container?.engine)?.rows ?? [];
  const row = rows.find(({ name }) => name === container?.name);
  return row === undefined || container === null ? row : withProxyPorts(container, row, rows);
}

/** A row with the ports that its proxy publishes, where it has one. */
export function withProxyPorts(
  container: NonNullable<SessionRecord['container']>,
  row: ContainerRow,
  rows: readonly ContainerRow[],
): ContainerRow {
  if (container.restricted === undefined) return row;
  return { ...row, ports: rows.find(({ name }) => name === proxyName(container))?.ports ?? [] };
}

/** The published ports of a session's container, such as `8080->80`; with the address where it is not this machine alone. */
export function portsOf(record: SessionRecord, asked: readonly Asked[]): readonly string[] {
  const ports = rowOf(record, asked)?.ports ?? [];
  return ports.map(({ hostIp, hostPort, containerPort, protocol }) => {
    const host = hostIp === '127.0.0.1' ? '' : `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:`;
    const kind = protocol === 'udp' ? '/udp' : '';
    return `${host}${String(hostPort)}->${String(containerPort)}${kind}`;
  });
}
