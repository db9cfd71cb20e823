/** An internet of a test's own: a network namespace behind this machine, in which everything that arrives is written down. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Addresses for documentation (RFC 5737). */
export const INTERNET = { allowed: '198.51.100.1', evil: '198.51.100.2', host: '198.51.100.254' } as const;
const PORTS = [80, 443, 8443];

export interface Internet {
  /** What has arrived since it was asked last: `tcp ADDRESS:PORT`, `udp PORT`, `dns NAME`. */
  arrived(): readonly string[];
  down(): void;
}

/** Listens on every address of the namespace; a web server's answer, and no name is known. */
const SERVE = `
const { createServer } = require('node:net');
const { createSocket } = require('node:dgram');
const { appendFileSync } = require('node:fs');
const note = (what) => appendFileSync(process.argv[1], what + '\\n');
for (const port of ${JSON.stringify(PORTS)})
  createServer((socket) => {
    note('tcp ' + socket.localAddress + ':' + port);
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\\r\\ncontent-length: 6\\r\\n\\r\\nhello\\n'));
  }).listen(port, '0.0.0.0');
const names = (question) => {
  const labels = [];
  for (let at = 12; question[at] > 0; at += question[at] + 1) labels.push(question.toString('latin1', at + 1, at + 1 + question[at]));
  return labels.join('.');
};
const dns = createSocket('udp4');
dns.on('message', (question, from) => {
  note('dns ' + names(question));
  const answer = Buffer.from(question);
  answer[2] |= 0x80;
  answer[3] = 0x83;
  dns.send(answer, from.port, from.address);
});
dns.bind(53, '0.0.0.0');
const other = createSocket('udp4');
other.on('message', () => note('udp 9999'));
other.bind(9999, '0.0.0.0', () => note('up'));
`;

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

/** Brings it up. Needs root. */
export async function internet(): Promise<Internet> {
  const dir = mkdtempSync(join(tmpdir(), 'para-internet-'));
  const log = join(dir, 'log');
  writeFileSync(log, '');
  const name = `para-${String(process.pid)}`;
  const [here, there] = [`pi${String(process.pid % 100_000)}`, `pj${String(process.pid % 100_000)}`];
  const steps: readonly (readonly string[])[] = [
    ['netns', 'add', name],
    ['link', 'add', here, 'type', 'veth', 'peer', 'name', there],
    ['link', 'set', there, 'netns', name],
    ['addr', 'add', `${INTERNET.host}/24`, 'dev', here],
    ['link', 'set', here, 'up'],
    ...[INTERNET.allowed, INTERNET.evil].map((at) => ['-n', name, 'addr', 'add', `${at}/24`, 'dev', there]),
    ['-n', name, 'link', 'set', 'lo', 'up'],
    ['-n', name, 'link', 'set', there, 'up'],
    ['-n', name, 'route', 'add', 'default', 'via', INTERNET.host],
  ];
  for (const step of steps) ip(...step);
  const server: ChildProcess = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', SERVE, log], {
    stdio: 'ignore',
  });
  for (let tries = 0; tries < 100 && readFileSync(log, 'utf8') === ''; tries += 1) await sleep(50);
  let seen = 1;
  return {
    arrived: () => {
      const lines = readFileSync(log, 'utf8').trim().split('\n');
      const fresh = lines.slice(seen);
      seen = lines.length;
      return fresh;
    },
    down: () => {
      server.kill('SIGKILL');
      ip('link', 'del', here);
      ip('netns', 'del', name);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
