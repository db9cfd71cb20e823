/**
 * What a restricted container may reach, changed while it runs. Its proxy reads its rules anew when they change: what it
 * publishes stays, and what is not allowed any more is cut.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { coveredBy, expandDomains } from '../config/domains.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { readOwnJson, replaceFile } from '../sys/files.ts';
import { requireContainer, type ContainerContext } from './containers.ts';
import { findSession } from './find.ts';
import { newOperation } from './operation.ts';
import { MOST_RULES, proxyName, rulesFile } from './proxy-spec.ts';
import { rememberSession } from './rebuild.ts';
import { loadRecord, lockSession, saveRecord, type SessionRecord } from './store.ts';
import { requireActive } from './sync.ts';

/** Entries to be put on the allow-list, and to be taken off it. */
export interface DomainsWish {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/**
 * The list as it is to be. @throws REFUSED for a network that has none, USAGE for what another entry lets be reached
 */
function domainsAfter(record: SessionRecord, { allow, deny }: DomainsWish): readonly string[] {
  const { name } = record;
  const { restricted } = requireContainer(record);
  if (restricted === undefined)
    throw new ParaError('REFUSED', `the network of ${name} is not restricted: it has no allow-list`, {
      hint: `To make its container anew, with all its commits (add the other flags that it was started with):\npara docker stop ${name} --remove\npara docker start ${name} --allow-domain ${shellQuote(allow[0] ?? 'example.com')}`,
    });
  const off = expandDomains(deny);
  const left = restricted.allowed_domains.filter((entry) => !off.includes(entry));
  const after = [...new Set([...left, ...expandDomains(allow)])];
  const [reached] = coveredBy(after, off);
  if (reached === undefined) return after;
  throw new ParaError('USAGE', `${reached} would still be reached: another entry of the list covers it`, {
    hint: `Take that off too; the list would be: ${after.join(' ')}`,
  });
}

/** What changing the list needs of the App. */
export interface DomainsContext extends ContainerContext {
  repository(): Promise<Repository>;
  newId(): string;
  now(): Date;
}

/**
 * Changes the list of a session, running or not. @returns its record, with the list as it is now
 * @throws REFUSED for a network that has no list, USAGE for what another entry lets be reached,
 * CONTAINER_NOT_FOUND, BUSY; COMMAND_FAILED when the proxy does not say that it has the list
 */
export async function changeDomains(
  context: DomainsContext,
  session: string | undefined,
  wish: DomainsWish,
): Promise<SessionRecord> {
  return change(context, session, (record) => domainsAfter(record, wish));
}

/** Brings one that was cut short to its end. @returns how it ended, in words */
export async function settleDomains(
  context: DomainsContext,
  { name }: SessionRecord,
  domains: readonly string[],
): Promise<string> {
  await change(context, name, () => domains);
  return 'has come to its end; the allow-list is as it was asked for';
}

/** The whole list is written down first: whoever goes on finds no other one. */
async function change(
  context: DomainsContext,
  session: string | undefined,
  listFor: (record: SessionRecord) => readonly string[],
): Promise<SessionRecord> {
  const { places, record: found } = await findSession(context, session, 'containers');
  const service = await context.dockerFor(requireContainer(found).engine);
  return lockSession(places, found.name, 'changes its allow-list', async () => {
    const record = { ...((await loadRecord(places, found.name)) ?? found), operation: null };
    requireActive(record);
    const id = context.newId();
    const domains = listFor(record);
    const intent = { id, at: context.now(), wish: { allowed_domains: [...domains] } };
    await saveRecord(places, { ...record, operation: await newOperation('docker update', intent) });
    const after = withDomains(record, domains);
    // Git is asked when the record is lost, and must not remember a longer list.
    await rememberSession(await context.repository(), after);
    await writeRules(places.docker(record.name), domains, id);
    await saveRecord(places, after);
    await awaitRules(service, after, id);
    return after;
  });
}

function withDomains(record: SessionRecord, domains: readonly string[]): SessionRecord {
  const container = requireContainer(record);
  if (container.restricted === undefined) return record;
  const restricted = { ...container.restricted, allowed_domains: [...domains] };
  return { ...record, container: { ...container, restricted } };
}

/** `id` is what the proxy says when it has them. Rules that are gone are made anew with the proxy. */
async function writeRules(stateDir: string, domains: readonly string[], id: string): Promise<void> {
  const file = rulesFile(join(stateDir, 'proxy'));
  const rules = await readOwnJson(file, MOST_RULES);
  if (rules === undefined) return;
  const next = { ...(rules as object), id, allow: domains };
  await replaceFile(file, `${JSON.stringify(next, undefined, 2)}\n`, 0o644);
}

/** Milliseconds for the proxy, which looks once a second, and between two looks at what it says. */
const TAKEN_MS = 15_000;
const LOOK_MS = 250;
/** Lines of its log among which it is said. */
const LAST_LINES = 500;

/** Until the proxy says that it has them; one that does not run reads them when it starts. @throws COMMAND_FAILED */
async function awaitRules(service: DockerService, record: SessionRecord, id: string): Promise<void> {
  const container = proxyName(requireContainer(record));
  if ((await service.status(container))?.state !== 'running') return;
  const request = { container, follow: false, tail: LAST_LINES, timestamps: false };
  for (let waited = 0; waited < TAKEN_MS; waited += LOOK_MS) {
    if (isTaken(await service.logs(request), id)) return;
    await sleep(LOOK_MS);
  }
  throw new ParaError('COMMAND_FAILED', `the proxy of ${record.name} does not say that it has the new list`, {
    hint: `It is written down, and holds at its next start:\npara docker stop ${record.name} && para docker start ${record.name}`,
  });
}

/** A line of the proxy's own; a client's words are never a line. */
function isTaken(log: string, id: string): boolean {
  const mark = `"id":${JSON.stringify(id)}`;
  return log.split('\n').some((line) => line.includes('"event":"rules"') && line.includes(mark));
}
