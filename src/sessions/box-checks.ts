/** What a box was promised, and whether it held: pure, a row for each promise. */
import type { ContainerInfo, Limits } from '../docker/driver.ts';
import type { BoxFacts, ProcessFact } from './box-script.ts';

/** One promise and what became of it. */
export interface BoxCheck {
  readonly check: string;
  readonly verdict: 'held' | 'not held' | 'not applicable';
  /** What was seen, or why it is not applicable. */
  readonly detail: string;
}

/** All that was seen, from the inside and from this machine. */
export interface BoxSeen {
  readonly facts: BoxFacts;
  /** Of the main process, as this machine's kernel tells; empty where it can not be asked. */
  readonly status: readonly ProcessFact[];
  /** para's own namespaces; empty where the engine's machine is another. */
  readonly namespaces: ReadonlyMap<string, string>;
  readonly held: Limits;
  /** What it was given, and which of it the engine enforces. */
  readonly given: Pick<ContainerInfo, 'memoryBytes' | 'cpus' | 'pids'>;
  readonly enforced: ReadonlyMap<string, boolean>;
  readonly hardening: 'strict' | 'default' | 'off';
  /** Writable mounts through which the repository's git directory, or another session, can be changed. */
  readonly openMounts: readonly string[];
}

/** Every check that does not ask the network. */
export function boxChecks(seen: BoxSeen): readonly BoxCheck[] {
  const { facts, hardening, openMounts } = seen;
  const tried = facts.canTry ? undefined : 'the image has no mkdir and rmdir to try it with';
  const off = hardening === 'off' ? 'docker.hardening is off' : undefined;
  const written = (what: string): readonly string[] =>
    (facts.wrote.get(what) ?? []).map((path) => `${path} can be written`);
  return [
    promised(
      'no capabilities',
      off,
      wrong(seen, /^Cap/, (value) => /^0+$/.test(value)),
    ),
    promised(
      'no new privileges',
      off,
      wrong(seen, /^NoNewPrivs$/, (value) => value === '1'),
    ),
    promised(
      'system calls are filtered',
      undefined,
      wrong(seen, /^Seccomp$/, (value) => value === '2'),
    ),
    namespaces(seen),
    promised('no hook of git can be written', tried, [...written('hook'), ...openMounts]),
    promised('no setting of git can be written', tried, [...written('config'), ...openMounts]),
    promised('no ref or object of the repository can be written', tried, [...written('ref'), ...openMounts]),
    promised('nothing of another session is there', tried, [
      ...written('other'),
      ...facts.seen.map((path) => `${path} is there`),
    ]),
    promised('what para hands in can not be changed', tried, written('handed')),
    promised(
      'the root is read-only',
      hardening === 'strict' ? tried : 'only with docker.hardening strict',
      written('root'),
    ),
    promised('no setting of the kernel can be written', off, written('kernel')),
    promised(
      "no engine's socket is there",
      undefined,
      facts.sockets.map((path) => `${path} is there`),
    ),
    ...limits(seen),
  ];
}

/** A row: not applicable for a reason, or held unless something was seen. */
export function promised(check: string, notFor: string | undefined, seen: readonly string[]): BoxCheck {
  if (notFor !== undefined) return { check, verdict: 'not applicable', detail: notFor };
  const detail = [...new Set(seen)].slice(0, 3).join(', ');
  return { check, verdict: seen.length === 0 ? 'held' : 'not held', detail };
}

/** What is not as it should be, of the process that was run inside and of the main one; nothing said is wrong too. */
function wrong(
  { facts, status }: BoxSeen,
  name: RegExp,
  isRight: (value: string) => boolean,
): readonly string[] {
  const asked = [...facts.status, ...status].filter((fact) => name.test(fact.name));
  if (asked.length === 0) return ['the kernel does not say'];
  return asked
    .filter(({ value }) => !isRight(value))
    .map((fact) => `${fact.name} of the ${fact.who} process is ${fact.value}`);
}

/** Ones of its own, of every kind. */
function namespaces({ facts, namespaces: own }: BoxSeen): BoxCheck {
  const known = [...own].filter(([, id]) => id !== '');
  const shared = known.filter(([name, id]) => facts.namespaces.get(name) === id);
  const silent = known.every(([name]) => (facts.namespaces.get(name) ?? '') === '');
  return promised(
    'namespaces of its own',
    known.length === 0
      ? 'the engine is on another machine'
      : silent
        ? 'the image has no readlink'
        : undefined,
    shared.map(([name]) => `${name} is this machine's`),
  );
}

function limits({ held, given, enforced }: BoxSeen): readonly BoxCheck[] {
  const rows = [
    ['memory', held.memoryBytes, given.memoryBytes],
    ['cpu', held.cpus, given.cpus],
    ['pids', held.pids, given.pids],
  ] as const;
  return rows.map(([name, is, most]) => {
    const notFor =
      most === 0
        ? 'there is none'
        : enforced.get(name) !== true
          ? 'this engine does not enforce it here'
          : is === undefined
            ? 'this machine can not see what the kernel holds it to'
            : undefined;
    const over = is !== undefined && is > most * 1.01 ? [`the kernel allows ${String(is)}`] : [];
    return promised(`the limit on ${name} holds`, notFor, over);
  });
}

/** For a box without any network: nothing to send by. */
export function noneChecks({ routes, routes6 }: BoxFacts): readonly BoxCheck[] {
  const ways = [
    ...routes.map(() => 'a route of IPv4'),
    ...routes6.map((device) => `a route of IPv6 by ${device}`),
  ];
  return [promised('no network', undefined, ways)];
}
