/** The proxy's settings: one JSON file that para writes on the host and the box never sees. */
import { isIP } from 'node:net';
import { parseRule, parseRules, type HostRule } from './host-rule.ts';

/** The file, as it is written. */
export interface ProxyRules {
  readonly schema: 1;
  /** What the proxy tells this version of the file by, when it has read it. */
  readonly id?: string;
  /** Where the box finds the proxy. */
  readonly listen: { readonly address: string; readonly port: number };
  /** Canonical entries of the allow-list; an address among them may be a private one. None allows nothing. */
  readonly allow: readonly string[];
  /** Private addresses that names of the list may lead to, such as `10.1.2.3:5432`. */
  readonly allow_private?: readonly string[];
  /** Ports of the box that are reached through the proxy, which listens on all of its own addresses. */
  readonly publish?: readonly {
    readonly listen: number;
    readonly to: { readonly address: string; readonly port: number };
  }[];
  /** Name servers, as addresses; left out: those of the container that the proxy runs in. */
  readonly dns?: readonly string[];
}

/** The same, ready to be asked. */
export interface Rules extends Required<Pick<ProxyRules, 'listen' | 'publish'>> {
  readonly allow: readonly HostRule[];
  /** Addresses that are dialled though they are not of the internet. */
  readonly open: readonly HostRule[];
  readonly dns: readonly string[] | undefined;
  readonly id: string | undefined;
}

/** Reads the file's text. @throws Error when anything in it is not as it should be: half a list is no list */
export function parseProxyRules(text: string): Rules {
  const file = record(JSON.parse(text), 'the file');
  need(file['schema'] === 1, 'schema');
  const entries = list(file['allow'], 'allow');
  const allow = rules(entries, 'allow');
  const open = rules(list(file['allow_private'] ?? [], 'allow_private'), 'allow_private');
  need(
    open.every(({ host }) => host.kind === 'address'),
    'allow_private',
  );
  const dns = file['dns'] === undefined ? undefined : list(file['dns'], 'dns').map(address);
  return {
    listen: endpoint(file['listen'], 'listen'),
    publish: list(file['publish'] ?? [], 'publish').map((item) => {
      const { listen, to } = record(item, 'publish');
      return { listen: port(listen, 'publish.listen'), to: endpoint(to, 'publish.to') };
    }),
    allow,
    open: [...allow.filter(({ host }) => host.kind === 'address'), ...open],
    ...{ dns, id: file['id'] === undefined ? undefined : word(file['id'], 'id') },
  };
}

function rules(entries: readonly unknown[], where: string): readonly HostRule[] {
  const texts = entries.map((entry) => {
    need(typeof entry === 'string' && parseRule(entry) !== undefined, where);
    return entry as string;
  });
  return parseRules(texts);
}

function endpoint(value: unknown, where: string): { readonly address: string; readonly port: number } {
  const { address: at, port: number } = record(value, where);
  return { address: address(at), port: port(number, `${where}.port`) };
}

/** At most 64 characters. */
function word(value: unknown, where: string): string {
  need(typeof value === 'string' && value.length <= 64, where);
  return value as string;
}

function address(value: unknown): string {
  need(typeof value === 'string' && isIP(value) !== 0, 'an address');
  return value as string;
}

function port(value: unknown, where: string): number {
  need(Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536, where);
  return value as number;
}

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  need(typeof value === 'object' && value !== null && !Array.isArray(value), where);
  return value as Record<string, unknown>;
}

function list(value: unknown, where: string): readonly unknown[] {
  need(Array.isArray(value), where);
  return value as unknown[];
}

function need(holds: boolean, where: string): void {
  if (!holds) throw new Error(`the rules are not valid: ${where}`);
}
