/** Which hosts a box may reach: the entries of an allow-list, read and matched (facts/security-reliability.md §2.3.5). */
import { hostText, parseHostPort, type Host } from './host.ts';

/** One entry: `example.com`, `*.example.com`, `example.com:8443`, `192.0.2.1:5432`, `[2001:db8::1]:443`. */
export interface HostRule {
  readonly host: Host;
  /** `*.x`: one or more labels before it, and not `x` itself. */
  readonly below: boolean;
  /** Undefined: the two ports of the web. */
  readonly port: number | undefined;
}

/** What a rule without a port is about. */
const WEB_PORTS: readonly number[] = [443, 80];

/** The rule of an entry; undefined when it is none. `*` alone is none: that is no list. */
export function parseRule(entry: string): HostRule | undefined {
  const below = entry.startsWith('*.');
  const target = parseHostPort(below ? entry.slice(2) : entry);
  if (target === undefined || (below && target.host.kind === 'address')) return undefined;
  return { host: target.host, below, port: target.port };
}

/** The rules of a list; what is none is left out, as it allows nothing. */
export function parseRules(entries: readonly string[]): readonly HostRule[] {
  return entries.flatMap((entry) => parseRule(entry) ?? []);
}

/** The canonical entry of a rule. */
export function ruleText({ host, below, port }: HostRule): string {
  return `${below ? '*.' : ''}${hostText(host)}${port === undefined ? '' : `:${String(port)}`}`;
}

/** True when a rule is about this host and port. An empty list allows nothing. */
export function isAllowed(rules: readonly HostRule[], host: Host, port: number): boolean {
  return rules.some(
    (rule) =>
      (rule.port === undefined ? WEB_PORTS.includes(port) : rule.port === port) && isAbout(rule, host),
  );
}

/** True when the list allows all that the rule does. */
export function isCovered(rules: readonly HostRule[], rule: HostRule): boolean {
  const ports = rule.port === undefined ? WEB_PORTS : [rule.port];
  return ports.every((port) =>
    rule.below
      ? // What is below `x` is below whatever `x` itself is below, or the very same.
        isAllowed(
          rules.filter(({ below }) => below),
          { kind: 'name', text: `any.${rule.host.text}` },
          port,
        )
      : isAllowed(rules, rule.host, port),
  );
}

function isAbout({ host, below }: HostRule, { kind, text }: Host): boolean {
  if (host.kind !== kind) return false;
  return below ? text.endsWith(`.${host.text}`) : text === host.text;
}
