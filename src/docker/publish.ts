/** `--port` and `--env` as people type them. Pure. */
import { isIP } from 'node:net';
import { ParaError } from '../errors.ts';
import type { PortMapping } from './driver.ts';

const LOOPBACK = '127.0.0.1';

/**
 * `80`, `8080:80`, `127.0.0.1:8080:80`, `[::1]::80`, each with `/tcp` or `/udp`. Without an address the port is on
 * loopback; without a host port (or 0) the engine chooses.
 * @throws USAGE
 */
export function parsePort(text: string): PortMapping {
  const match = /^(?:(?:(\[[0-9a-fA-F:.]+\]|[\d.]+):)?(\d*):)?(\d+)(?:\/(tcp|udp))?$/.exec(text.trim());
  if (match === null) throw badPort(text, 'it is not [[ADDRESS:]HOST_PORT:]CONTAINER_PORT[/tcp|/udp]');
  const [, address, host = '', container = '', protocol] = match;
  const hostIp = address === undefined ? LOOPBACK : address.replace(/^\[|\]$/g, '');
  if (isIP(hostIp) === 0) throw badPort(text, `${hostIp} is not an IP address`);
  return {
    hostIp,
    hostPort: host === '' ? 0 : portNumber(host, text, 0),
    containerPort: portNumber(container, text, 1),
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
  };
}

function portNumber(digits: string, text: string, least: number): number {
  const value = Number(digits);
  if (value < least || value > 65_535)
    throw badPort(text, `${digits} is not a port from ${String(least)} to 65535`);
  return value;
}

function badPort(text: string, reason: string): ParaError {
  return new ParaError('USAGE', `--port ${JSON.stringify(text)}: ${reason}`, { hint: '--port 8080:80' });
}

/** An environment variable as asked for; `value` undefined means "take it from para's own environment". */
export interface EnvRequest {
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * `NAME=value`, or `NAME` to pass para's own value on.
 * @throws USAGE
 */
export function parseEnv(text: string): EnvRequest {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new ParaError('USAGE', `--env ${JSON.stringify(name)} is not a variable name`, {
      hint: '--env NAME=value',
    });
  }
  if (text.includes('\0'))
    throw new ParaError('USAGE', `the value of --env ${name} holds a NUL byte`, { hint: '--env NAME=value' });
  return { name, value: equals < 0 ? undefined : text.slice(equals + 1) };
}
