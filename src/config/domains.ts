/** The entries of `docker.network.allowed_domains` and of --allow-domain: presets, domains, addresses. */
import { isCovered, parseRule, parseRules, ruleText } from '../proxy/host-rule.ts';
import { DOMAIN_PRESETS } from './domain-presets.ts';
import { nearest } from './nearest.ts';
import { oneOf, quote } from './words.ts';

/** What is wrong with an entry, as words after its place; undefined when it is one. */
export function domainProblem(entry: string): string | undefined {
  if (rulesOf(entry) !== undefined) return undefined;
  if (/^\*\.[^.]+$/.test(entry))
    return `expected a list of domains, found ${quote(entry)}, which is all below one label`;
  const names = Object.keys(DOMAIN_PRESETS);
  const near = nearest(entry, names);
  const meant = near === undefined ? '' : `; did you mean ${quote(near)}?`;
  return `expected a domain such as "example.com", "*.example.com" or "example.com:8443", or one of ${oneOf(names)}, found ${quote(entry)}${meant}`;
}

/** The canonical entries, presets as their hosts, each once; entries that are none have been refused before. */
export function expandDomains(entries: readonly string[]): readonly string[] {
  return [...new Set(entries.flatMap((entry) => rulesOf(entry) ?? []))];
}

/** Those of the entries, presets as their hosts, that a list lets be reached, be it by another entry. */
export function coveredBy(list: readonly string[], entries: readonly string[]): readonly string[] {
  const rules = parseRules(list);
  return expandDomains(entries).filter((entry) => {
    const rule = parseRule(entry);
    return rule !== undefined && isCovered(rules, rule);
  });
}

function rulesOf(entry: string): readonly string[] | undefined {
  const preset = Object.hasOwn(DOMAIN_PRESETS, entry) ? DOMAIN_PRESETS[entry] : undefined;
  if (preset !== undefined) return preset;
  const rule = parseRule(entry);
  if (rule === undefined) return undefined;
  const isWord = rule.host.kind === 'name' && !rule.host.text.includes('.');
  // Below one label anybody can have a name. A word alone is more likely a misspelt preset than a host of the local network:
  // that one has its port.
  return isWord && (rule.below || rule.port === undefined) ? undefined : [ruleText(rule)];
}

/** The preset that has an entry among its hosts. */
export function presetOf(entry: string): string | undefined {
  return Object.entries(DOMAIN_PRESETS).find(([, hosts]) => hosts.includes(entry))?.[0];
}
