/** Reads the head of a request to the proxy, byte by byte strict: what could be read in two ways is refused. */
import { hostText, parseHostPort, type Host } from './host.ts';

/** What may follow the head of a plain request. */
export type Body = { readonly length: number } | 'chunked';

/** A request that can be decided upon. */
export interface ProxyRequest {
  readonly method: string;
  readonly host: Host;
  readonly port: number;
  /** Undefined for CONNECT; else what is sent on: a head in origin-form, and the body that follows. */
  readonly forward: { readonly head: string; readonly body: Body } | undefined;
}

/** Why one is refused: the status of the answer, and a word of ours. */
export interface Refusal {
  readonly status: 400 | 405 | 408 | 505;
  readonly reason: string;
}

/** The largest head, in bytes. */
const MOST_HEAD = 16_384;

const LINE = /^([A-Z]{1,20}) ([\x21-\x7e]{1,8000}) HTTP\/([0-9]\.[0-9])$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\x20-\x7e\t]*)$/;

/** Fields of one connection alone, which are not sent on (RFC 9110 §7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'proxy-authorization', 'proxy-authenticate'],
  ...['te', 'trailer', 'upgrade', 'host'],
]);

type Fields = readonly (readonly [name: string, value: string])[];

/** Why what was sent so far can not become a head any more; undefined while it can. */
export function hopeless(sofar: string): Refusal | undefined {
  if (sofar.length > MOST_HEAD) return bad('a head that is too long');
  if (!/^[A-Z]{1,20}( |$)/.test(sofar)) return bad('not a request line of HTTP/1');
  if (/[^\r]\n|\r[^\n]/.test(sofar)) return bad('a line that does not end as it should');
  const end = sofar.indexOf('\r\n');
  return end >= 0 && !LINE.test(sofar.slice(0, end)) ? bad('not a request line of HTTP/1') : undefined;
}

/** The request of a head, which is what comes before the empty line, one character a byte. */
export function parseHead(head: string): ProxyRequest | Refusal {
  const [first = '', ...rest] = head.split('\r\n');
  const [, method = '', target = '', version] = LINE.exec(first) ?? [];
  if (version === undefined) return bad('not a request line of HTTP/1');
  if (version !== '1.1' && version !== '1.0') return { status: 505, reason: 'not HTTP/1.1' };
  const fields = fieldsOf(rest);
  if (fields === undefined) return bad('headers that are none');
  return method === 'CONNECT' ? connect(target, fields) : plain({ method, target, version, fields });
}

/** Undefined when a line is no header, or there are too many. */
function fieldsOf(lines: readonly string[]): Fields | undefined {
  const fields = lines.flatMap((line) => {
    const [, name, value] = FIELD.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value.trim()] as const];
  });
  return fields.length === lines.length && fields.length <= 100 ? fields : undefined;
}

/** True when a head was refused. */
export function isRefusal(parsed: ProxyRequest | Refusal): parsed is Refusal {
  return 'status' in parsed;
}

function connect(target: string, fields: Fields): ProxyRequest | Refusal {
  const { host, port } = parseHostPort(target) ?? {};
  if (host === undefined || port === undefined) return bad('CONNECT without a plain host:port');
  if (fields.some(([name]) => name === 'content-length' || name === 'transfer-encoding'))
    return bad('CONNECT with a body');
  if (!isSameHost(fields, { host, port, implied: undefined })) return bad('a Host that is not the target');
  return { method: 'CONNECT', host, port, forward: undefined };
}

interface Plain {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly fields: Fields;
}

function plain({ method, target, version, fields }: Plain): ProxyRequest | Refusal {
  if (method === 'TRACE' || method === 'TRACK') return { status: 405, reason: 'not a method for a proxy' };
  const url = urlOf(target);
  if (url === undefined) return bad('not the URL of a plain http request: https goes by CONNECT');
  const { host, port, path } = url;
  if (version === '1.1' && !fields.some(([name]) => name === 'host')) return bad('no Host');
  if (!isSameHost(fields, { host, port, implied: 80 })) return bad('a Host that is not the target');
  const body = bodyOf(fields, version);
  if (body === undefined) return bad('a body whose length is not clear');
  const sentOn = endToEnd(fields);
  if (sentOn === undefined) return bad('a Connection header that takes away what counts');
  const at = `${hostText(host)}${port === 80 ? '' : `:${String(port)}`}`;
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${at}`, ...sentOn, 'connection: close'];
  return { method, host, port, forward: { head: `${lines.join('\r\n')}\r\n\r\n`, body } };
}

/** The parts of an absolute URL of http; undefined for anything else, and for one with a user in it. */
function urlOf(
  target: string,
): { readonly host: Host; readonly port: number; readonly path: string } | undefined {
  const [, authority = '', rest = ''] = /^http:\/\/([^/?#]*)([/?][^#]*)?$/i.exec(target) ?? [];
  const { host, port = 80 } = parseHostPort(authority) ?? {};
  if (host === undefined) return undefined;
  return { host, port, path: rest.startsWith('/') ? rest : `/${rest}` };
}

/** At most one Host, and that the very target: with its port, or without where the target's is implied. */
function isSameHost(
  fields: Fields,
  {
    host,
    port,
    implied,
  }: { readonly host: Host; readonly port: number; readonly implied: number | undefined },
): boolean {
  const hosts = fields.filter(([name]) => name === 'host');
  if (hosts.length > 1) return false;
  return hosts.every(([, value]) => {
    const said = parseHostPort(value);
    const saidPort = said?.port ?? implied ?? port;
    return said?.host.text === host.text && said.host.kind === host.kind && saidPort === port;
  });
}

/** Undefined where two readers could see two lengths (RFC 9112 §6.3, request smuggling). */
function bodyOf(fields: Fields, version: Plain['version']): Body | undefined {
  const lengths = fields.filter(([name]) => name === 'content-length');
  const codings = fields.filter(([name]) => name === 'transfer-encoding');
  if (lengths.length + codings.length > 1) return undefined;
  const [coding] = codings;
  if (coding !== undefined) return coding[1] === 'chunked' && version === '1.1' ? 'chunked' : undefined;
  const length = lengths[0]?.[1] ?? '0';
  return /^\d{1,15}$/.test(length) ? { length: Number(length) } : undefined;
}

/** The lines that are sent on; undefined when Connection names one that must not be left out. */
function endToEnd(fields: Fields): readonly string[] | undefined {
  const named = fields
    .filter(([name]) => name === 'connection')
    .flatMap(([, value]) => value.toLowerCase().split(','))
    .map((word) => word.trim());
  if (named.some((name) => ['host', 'content-length', 'transfer-encoding'].includes(name))) return undefined;
  return fields
    .filter(([name]) => !HOP_BY_HOP.has(name) && !named.includes(name))
    .map(([name, value]) => `${name}: ${value}`);
}

function bad(reason: string): Refusal {
  return { status: 400, reason };
}
