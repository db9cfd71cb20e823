/** What a restricted session has asked its proxy for. Read as untrusted text: whatever runs in the box chose the hosts. */
import { presetOf } from '../config/domains.ts';
import type { DockerService } from '../docker/service.ts';
import { hasCode, ParaError } from '../errors.ts';
import { hostText, parseHost, parsePort, SELF_TEST_NAME } from '../proxy/host.ts';
import { requireContainer, type ContainerContext } from './containers.ts';
import { findSession } from './find.ts';
import { proxyName } from './proxy-spec.ts';
import type { SessionRecord } from './store.ts';

/** One request, or how many more there were than the proxy told apart. */
export interface NetworkEntry {
  /** RFC 3339, by the proxy's clock. */
  readonly time: string;
  readonly verdict: 'allowed' | 'denied' | 'failed' | 'more';
  /** For `more`. */
  readonly count: number | null;
  readonly method: string | null;
  /** Canonical; null for a request that named none. */
  readonly host: string | null;
  readonly port: number | null;
  readonly reason: string | null;
  /** Bytes from the box, and to it. */
  readonly sent: number | null;
  readonly received: number | null;
}

/** A session's proxy, and the engine that has it. */
export interface NetworkLog {
  readonly record: SessionRecord;
  readonly service: DockerService;
  readonly container: string;
}

/** Lines that are read, the last ones; the engine keeps about as many. */
const MOST_LINES = 50_000;
/** Characters of a line; the proxy writes far shorter ones. */
const LONGEST = 4096;

/** Where a session's requests are told. @throws SESSION_NOT_FOUND, CONTAINER_NOT_FOUND */
export async function findNetworkLog(
  context: ContainerContext,
  session: string | undefined,
): Promise<NetworkLog> {
  const { record } = await findSession(context, session, 'containers');
  const { name, engine } = requireContainer(record);
  return { record, service: await context.dockerFor(engine), container: proxyName({ name }) };
}

/** All that is known, oldest first. One engine call. @throws CONTAINER_NOT_FOUND when there is no proxy */
export async function readNetworkLog(log: NetworkLog): Promise<readonly NetworkEntry[]> {
  const { service, container } = log;
  const request = { container, follow: false, tail: MOST_LINES, timestamps: false };
  const text = await service.logs(request).catch((error: unknown) => {
    throw withoutProxy(error, log);
  });
  return text.split('\n').flatMap((line) => parseEntry(line) ?? []);
}

/** The same, and what comes, until the proxy ends or `signal`. @throws CONTAINER_NOT_FOUND when there is no proxy */
export async function followNetworkLog(
  log: NetworkLog,
  signal: AbortSignal,
  tell: (entry: NetworkEntry) => void,
): Promise<void> {
  const { service, container } = log;
  const request = { container, follow: true, tail: MOST_LINES, timestamps: false };
  const onLine = (line: string): void => {
    const entry = parseEntry(line);
    if (entry !== undefined) tell(entry);
  };
  await service.logsLines(request, { signal, onLine }).catch((error: unknown) => {
    if (!signal.aborted) throw withoutProxy(error, log);
  });
}

function withoutProxy(error: unknown, { record }: NetworkLog): unknown {
  if (!hasCode(error, 'CONTAINER_NOT_FOUND')) return error;
  return new ParaError('CONTAINER_NOT_FOUND', `${record.name} has no proxy: its network is not restricted`, {
    hint: 'A restricted one:\npara start NAME --docker --allow-domain example.com',
  });
}

const VERDICTS = ['allowed', 'denied', 'failed', 'more'] as const;

/** The entry of a line; undefined for any other line, for one that is not as the proxy writes it, and for para's own. */
export function parseEntry(line: string): NetworkEntry | undefined {
  if (line.length > LONGEST || !line.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const told = value as Readonly<Record<string, unknown>>;
  if (told['host'] === SELF_TEST_NAME) return undefined;
  const verdict = VERDICTS.find((word) => word === told['verdict']);
  const time = String(told['time']);
  if (verdict === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(time)) return undefined;
  return {
    ...{ time, verdict, count: count(told['count']), method: word(told['method'], /^[A-Z]{1,20}$/) },
    ...{ host: host(told['host']), port: parsePort(String(told['port'])) ?? null },
    reason: word(told['reason'], /^[\w ,:./'-]{1,100}$/),
    ...{ sent: count(told['sent']), received: count(told['received']) },
  };
}

function word(value: unknown, like: RegExp): string | null {
  return typeof value === 'string' && like.test(value) ? value : null;
}

function count(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

/** An IPv6 address stands in the log without brackets. */
function host(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 300) return null;
  const parsed = parseHost(value.includes(':') ? `[${value}]` : value);
  return parsed === undefined ? null : hostText(parsed);
}

/** A host that was refused since it is not on the list. */
export interface Learned {
  /** What the allow-list would need. */
  readonly entry: string;
  readonly times: number;
  /** A preset that has it. */
  readonly preset: string | null;
}

/** What was refused for want of an entry, the most asked for first. */
export function learnFrom(entries: readonly NetworkEntry[]): readonly Learned[] {
  const times = new Map<string, number>();
  for (const { verdict, host: name, port, reason } of entries) {
    if (verdict !== 'denied' || reason !== 'not on the allow-list' || name === null || port === null)
      continue;
    const entry = port === 443 || port === 80 ? name : `${name}:${String(port)}`;
    times.set(entry, (times.get(entry) ?? 0) + 1);
  }
  return [...times]
    .map(([entry, n]) => ({ entry, times: n, preset: presetOf(entry) ?? null }))
    .sort((a, b) => b.times - a.times || (a.entry < b.entry ? -1 : 1));
}
