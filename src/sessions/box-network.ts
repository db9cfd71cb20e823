/** What a restricted session's network was promised, tried from a container of its own in it. */
import type { Finding, Trial } from '../proxy/check.ts';
import type { BridgeState } from '../docker/bridge.ts';
import { PROXY_PORT } from '../docker/spec.ts';
import type { DockerService } from '../docker/service.ts';
import { hasCode, ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import { promised, type BoxCheck } from './box-checks.ts';
import { getImage } from './closed-steps.ts';
import type { AgainContext } from './container-again.ts';
import { restrictedBy } from './container-plan.ts';
import type { BoxFacts } from './box-script.ts';
import { recordedBox } from './mend-proxy.ts';
import { PUBLIC } from './proxy-check.ts';
import { placeOf } from './proxy-spec.ts';
import { tryClosed } from './proxy.ts';
import { isOpen, openText } from './shut-bridge.ts';
import { listRecords, lockSession, type Places, type SessionRecord } from './store.ts';

/** What it needs of the App. */
export type ClosedContext = Pick<AgainContext, 'config' | 'newId'>;

/** A restricted session, and where it is. */
export interface ClosedSession {
  readonly repo: Repository;
  readonly places: Places;
  readonly record: SessionRecord;
  readonly container: NonNullable<SessionRecord['container']>;
}

/** One whose box has been asked what it sees. */
interface AskedSession extends ClosedSession {
  readonly facts: Pick<BoxFacts, 'routes6'>;
}

/** Where clouds tell a machine who it is. */
const METADATA = ['169.254.169.254', 80] as const;
/** Of a neighbour's: one that nobody listens on is refused by whoever is there, and so is reached. */
const PORTS = [PROXY_PORT, 22, 80];

/** Every check of a closed network. @throws COMMAND_FAILED when it could not be tried */
export async function closedChecks(
  context: ClosedContext,
  service: DockerService,
  session: AskedSession,
): Promise<readonly BoxCheck[]> {
  const { places, record, facts } = session;
  const place = await placeOf(places.docker(record.name));
  if (place === undefined)
    throw new ParaError('COMMAND_FAILED', `nothing tells where the proxy of ${record.name} is`, {
      hint: `para recover ${record.name}`,
    });
  const others = await neighbours(places, record);
  const more: Trial['tcp'] = [
    METADATA,
    ...others.flatMap((address) => PORTS.map((port) => [address, port] as const)),
  ];
  const { proxyImage } = restrictedBy((await context.config()).own.docker.network);
  await getImage(service, places, { proxyImage }, () => undefined);
  try {
    const box = await recordedBox(context, service, session);
    // A start tries its network in a container of the same name.
    const lock = 'tries the network of the session';
    const tried = await lockSession(places, record.name, lock, () => tryClosed(box, place, more));
    if (tried !== undefined) {
      const bridge = await service.bridge(tried.network, 'look');
      return [...rows(tried.finding, { others, facts }), bridgeRow(bridge)];
    }
  } catch (error) {
    if (!hasCode(error, 'NETWORK_NOT_CLOSED')) throw error;
    return [promised('the network is closed', undefined, [error.message])];
  }
  throw new ParaError('COMMAND_FAILED', `the network of ${record.name} could not be tried`, {
    hint: `para docker network log ${record.name}`,
  });
}

/** Where the other restricted sessions of the repository are, and their proxies. */
async function neighbours(places: Places, { name }: SessionRecord): Promise<readonly string[]> {
  const { records } = await listRecords(places);
  const others = records.filter((other) => other.name !== name && other.container?.restricted !== undefined);
  const found = await Promise.all(others.slice(0, 10).map((other) => placeOf(places.docker(other.name))));
  return found.flatMap((place) => (place === undefined ? [] : [place.address, place.proxy]));
}

/** A row for each kind of what was open. */
function rows(
  { open, proxy }: Finding,
  { others, facts }: Pick<AskedSession, 'facts'> & { readonly others: readonly string[] },
): readonly BoxCheck[] {
  const isMetadata = (what: string): boolean => what === `tcp ${METADATA.join(':')}`;
  const isPublic = (what: string): boolean => what === `tcp ${PUBLIC.join(':')}`;
  const isOther = (what: string): boolean => others.some((address) => what.startsWith(`tcp ${address}:`));
  const tcp = open.filter((what) => what.startsWith('tcp '));
  const alone = others.length === 0 ? 'no other session of this repository is restricted' : undefined;
  return [
    promised('the network is closed', undefined, []),
    promised(
      'nothing of this machine is reached',
      undefined,
      tcp.filter((what) => !isMetadata(what) && !isPublic(what) && !isOther(what)),
    ),
    promised(
      'nobody else is on its link',
      undefined,
      open.filter((what) => what.startsWith('neighbour ')),
    ),
    promised('nobody speaks IPv6 on its link', undefined, [
      ...open.filter((what) => what.startsWith('ipv6 ')),
      ...facts.routes6.map((device) => `the box has a route by ${device}`),
    ]),
    promised('no other session is reached', alone, tcp.filter(isOther)),
    promised('no metadata service is reached', undefined, tcp.filter(isMetadata)),
    promised('no address beyond is reached past the proxy', undefined, tcp.filter(isPublic)),
    promised(
      'no name server answers',
      undefined,
      open.filter((what) => what.startsWith('dns ')),
    ),
    promised(
      'the proxy refuses what is not on the list',
      undefined,
      /^HTTP\/1\.[01] 403\b/.test(proxy) ? [] : [proxy],
    ),
  ];
}

/** Whether the host takes what is sent to its addresses by a process that chooses the device to send by. */
function bridgeRow(state: BridgeState | undefined): BoxCheck {
  const unknown = 'the networks of the engine are not on this machine, or can not be looked at';
  return promised(
    'this machine takes nothing from its network',
    state === undefined ? unknown : undefined,
    state !== undefined && isOpen(state) ? [openText(state)] : [],
  );
}
