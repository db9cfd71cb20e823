/** Attacks the box of a session as whatever runs in it could, and says what held. Nothing is left behind. */
import { randomUUID } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { readHeld } from '../docker/cgroup.ts';
import type { ContainerInfo } from '../docker/driver.ts';
import { enforcedLimits } from '../docker/limits.ts';
import { isWithin } from '../docker/host-path.ts';
import type { DockerService } from '../docker/service.ts';
import { INSIDE } from '../docker/spec.ts';
import { ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import { boxChecks, noneChecks, promised, type BoxCheck } from './box-checks.ts';
import { closedChecks, type ClosedContext, type ClosedSession } from './box-network.ts';
import { BOX_SCRIPT, parseBox, type BoxFacts, type ProcessFact } from './box-script.ts';
import { notRunning, notThere, requireContainer, type ContainerContext } from './containers.ts';
import { findSession } from './find.ts';
import { listRecords, type Places, type SessionRecord } from './store.ts';

/** What it needs of the App. */
export interface BoxContext extends ContainerContext, ClosedContext {
  repository(): Promise<Repository>;
}

/** What was tried in one session's box. */
export interface BoxDiagnosis {
  readonly session: string;
  readonly container: string;
  readonly checks: readonly BoxCheck[];
}

/** One that hangs is no answer. */
const MOST_MS = 60_000;

/**
 * Runs the attacks in the session's container.
 * @throws SESSION_NOT_FOUND, CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING, COMMAND_FAILED when the box gives no answer
 */
export async function diagnoseBox(context: BoxContext, session: string): Promise<BoxDiagnosis> {
  const [{ places, record }, repo] = await Promise.all([
    findSession(context, session, 'containers'),
    context.repository(),
  ]);
  const container = requireContainer(record);
  const service = await context.dockerFor(container.engine);
  const info = await service.status(container.name);
  if (info === undefined) throw notThere(record);
  if (info.state !== 'running') throw notRunning(record, info.state, service.engine.driver.name);
  const facts = await attack({ service, repo, places, record });
  const checks = [
    ...boxChecks({
      ...{ facts, hardening: container.hardening, held: await readHeld(info) },
      ...{ status: await statusOf(info), namespaces: await ownNamespaces(info) },
      given: { memoryBytes: info.memoryBytes, cpus: info.cpus, pids: info.pids },
      enforced: new Map(enforcedLimits(service.engine.capabilities)),
      openMounts: openMounts(info, repo, places.docker(record.name)),
    }),
    ...(await networkChecks(context, service, { repo, places, record, container }, facts)),
  ];
  return { session: record.name, container: container.name, checks };
}

interface Target {
  readonly service: DockerService;
  readonly repo: Repository;
  readonly places: Places;
  readonly record: SessionRecord;
}

/** @throws COMMAND_FAILED when the script did not come to its end */
async function attack({ service, repo, places, record }: Target): Promise<BoxFacts> {
  const { name, hardening } = requireContainer(record);
  const { records } = await listRecords(places);
  const others = records
    .filter((other) => other.name !== record.name)
    .slice(0, 20)
    .flatMap((other) => [other.worktree_path, places.docker(other.name)]);
  const id = randomUUID().slice(0, 8);
  const argv = ['sh', '-c', BOX_SCRIPT, 'sh', id, repo.commonDir, hardening, ...others];
  const request = { container: name, argv, tty: false, stdin: false, workdir: INSIDE.workspace };
  const { stdout } = await service.execCapture(request, { timeoutMs: MOST_MS });
  const facts = parseBox(stdout);
  if (facts !== undefined) return facts;
  throw new ParaError('COMMAND_FAILED', `the box of ${record.name} gave no answer`, {
    hint: `See whether anything can be run in it:\npara docker exec ${record.name} -- true`,
  });
}

/** What this machine's kernel says of the main process, which can not lie about it. */
async function statusOf({ pid }: ContainerInfo): Promise<readonly ProcessFact[]> {
  const text = pid > 0 ? await readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => '') : '';
  const found = [...text.matchAll(/^(Cap\w{3}|NoNewPrivs|Seccomp):\s*(\w+)$/gm)];
  return found.map(([, name = '', value = '']) => ({ who: 'main', name, value }));
}

/** Empty when the container's process is not of this machine. */
async function ownNamespaces({ pid }: ContainerInfo): Promise<ReadonlyMap<string, string>> {
  const isHere = await readFile(`/proc/${String(pid)}/status`).catch(() => undefined);
  if (pid <= 0 || isHere === undefined) return new Map();
  const names = ['pid', 'mnt', 'ipc', 'uts', 'net'];
  const ids = await Promise.all(names.map((name) => readlink(`/proc/self/ns/${name}`).catch(() => '')));
  return new Map(names.map((name, i) => [name, ids[i] ?? '']));
}

/** What its engine has mounted for writing, and that is, holds or is within what is not the session's own. */
function openMounts(
  { mounts }: ContainerInfo,
  { commonDir }: Repository,
  stateDir: string,
): readonly string[] {
  return mounts
    .filter(({ writable, source }) => writable && source !== '' && !isWithin(source, stateDir))
    .filter(({ source }) => isWithin(source, commonDir) || isWithin(commonDir, source))
    .map(({ source, target }) => `${source} is mounted at ${target}`);
}

async function networkChecks(
  context: BoxContext,
  service: DockerService,
  session: ClosedSession,
  facts: BoxFacts,
): Promise<readonly BoxCheck[]> {
  const { network, restricted } = session.container;
  if (restricted !== undefined) return closedChecks(context, service, { ...session, facts });
  if (network === 'none') return noneChecks(facts);
  const why = 'network mode bridge: it reaches what this machine reaches';
  return [promised('the network is closed', why, [])];
}
