/**
 * Host names and addresses as the proxy takes them: one canonical text each, which is matched and dialled alike, so
 * that nothing is read in one way here and in another there.
 */
import { isIPv4, isIPv6 } from 'node:net';

/** A name or an address in its one canonical text. */
export interface Host {
  readonly kind: 'name' | 'address';
  readonly text: string;
}

/** What para's own test of a network asks for: a name that nobody can have (RFC 2606). */
export const SELF_TEST_NAME = 'self-test.para.invalid';

/** RFC 1035: the whole name, and RFC 1123's labels of letters, digits and hyphens. */
const MOST_NAME = 253;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The host of a text such as `Example.com.`, `192.0.2.1` or `[2001:db8::1]`; undefined when it is none. */
export function parseHost(text: string): Host | undefined {
  if (text.startsWith('[') && text.endsWith(']')) return address6(text.slice(1, -1));
  if (isIPv4(text)) return { kind: 'address', text };
  const name = text.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  // What ends in a number is read as an address by some (`127.1`, `0x7f000001`), so it is no name.
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return undefined;
  if (name.length > MOST_NAME || !labels.every((label) => LABEL.test(label))) return undefined;
  return { kind: 'name', text: name };
}

/** Port 1 to 65535 in plain digits; undefined for anything else. */
export function parsePort(text: string): number | undefined {
  if (!/^[1-9]\d{0,4}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

/** Host and port of `host:port`, where the port may be left out; undefined when it is neither. */
export function parseHostPort(
  text: string,
): { readonly host: Host; readonly port: number | undefined } | undefined {
  const parts = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text);
  const host = parseHost(parts?.[1] ?? '');
  const port = parts?.[2] === undefined ? undefined : parsePort(parts[2]);
  if (host === undefined || (parts?.[2] !== undefined && port === undefined)) return undefined;
  return { host, port };
}

/** A host as it stands before a port: an IPv6 address in brackets. */
export function hostText({ kind, text }: Host): string {
  return kind === 'address' && text.includes(':') ? `[${text}]` : text;
}

/** One text for each IPv6 address (RFC 5952); a zone names an interface, which no target has. */
function address6(text: string): Host | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return { kind: 'address', text: new URL(`http://[${text}]/`).hostname.slice(1, -1) };
}
