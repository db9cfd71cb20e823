import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readUntil, Rig } from '../proxy/rig.ts';

const PROGRAM = 'dist/proxy.cjs';
const MEGABYTE = 1 << 20;
/** A megabyte at a time; a gigabyte where there is time for it. */
const MEGABYTES = process.env['PARA_FAULT_FULL'] === '1' ? 1024 : 192;

let dir: string;
let rules: string;
let rig: Rig;
let child: ChildProcess | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-proxy-'));
  rules = join(dir, 'rules.json');
  rig = new Rig();
});
afterEach(async () => {
  rig.close();
  if (child?.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(dir, { recursive: true });
});

/** As para replaces it: whole, under the same name. */
function writeRules(file: object | string): void {
  writeFileSync(`${rules}.new`, typeof file === 'string' ? file : JSON.stringify(file));
  renameSync(`${rules}.new`, rules);
}

/** Starts the program. @returns its lines, one a call */
function start(): () => Promise<Record<string, unknown>> {
  child = spawn(process.execPath, [PROGRAM, rules], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => JSON.parse(((await lines.next()) as { value: string }).value) as Record<string, unknown>;
}

/** A port that nobody has. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

test('is one file that needs nothing but node', () => {
  const wanted = [...readFileSync(PROGRAM, 'utf8').matchAll(/require\(["']([^"']+)["']\)/g)];
  expect([...new Set(wanted.map(([, name]) => name))].sort()).toEqual([
    'node:dns/promises',
    'node:events',
    'node:fs',
    'node:net',
    'node:stream',
  ]);
});

test('lets through what is listed, obeys rules that change, and ends when told', async () => {
  const target = await rig.server((socket) => socket.end('hello'));
  const entry = `127.0.0.1:${String(target)}`;
  const [port, published] = [await freePort(), await freePort()];
  const file = {
    ...{ schema: 1, listen: { address: '127.0.0.1', port }, allow: [entry] },
    publish: [{ listen: published, to: { address: '127.0.0.1', port: target } }],
  };
  writeRules(file);
  const line = start();
  expect(await line()).toMatchObject({ event: 'ready', allow: 1, publish: [published] });
  const ask = `CONNECT ${entry} HTTP/1.1\r\n\r\n`;
  expect(await rig.say(port, ask)).toMatch(/^HTTP\/1\.1 200 .*hello$/s);
  expect(await line()).toMatchObject({ verdict: 'allowed', host: '127.0.0.1', port: target });
  expect(await rig.say(published, '')).toBe('hello');

  writeRules({ ...file, allow: ['*'] });
  expect(await line()).toMatchObject({ event: 'rules-not-valid' });
  expect(await rig.say(port, ask)).toMatch(/ 200 /);
  expect(await line()).toMatchObject({ verdict: 'allowed' });

  writeRules({ ...file, allow: [], id: 'next' });
  expect(await line()).toMatchObject({ event: 'rules', allow: 0, id: 'next' });
  expect(await rig.say(port, ask)).toMatch(/ 403 /);
  expect(await line()).toMatchObject({ verdict: 'denied', reason: 'not on the allow-list' });

  child?.kill('SIGTERM');
  expect(await line()).toMatchObject({ event: 'ending' });
  expect(await once(child as ChildProcess, 'exit')).toEqual([0, null]);
});

test('does not start with rules that are not valid', async () => {
  writeRules('{"schema":1}');
  expect(await start()()).toMatchObject({ event: 'failed' });
  expect(await once(child as ChildProcess, 'exit')).toEqual([1, null]);
});

test('much goes through, to somebody slow, and its memory stays as it is', async () => {
  const target = await rig.server((socket) => {
    const chunk = Buffer.alloc(MEGABYTE);
    let left = MEGABYTES;
    const more = (): void => {
      while (left-- > 0) if (!socket.write(chunk)) return void socket.once('drain', more);
      socket.end();
    };
    more();
  });
  const port = await freePort();
  const entry = `127.0.0.1:${String(target)}`;
  writeRules({ schema: 1, listen: { address: '127.0.0.1', port }, allow: [entry] });
  const line = start();
  await line();
  const client = await rig.client(port);
  client.write(`CONNECT ${entry} HTTP/1.1\r\n\r\n`);
  await readUntil(client, '\r\n\r\n');
  let got = 0;
  client.on('data', (chunk) => {
    got += chunk.length;
    client.pause();
    setImmediate(() => client.resume());
  });
  await finished(client, { writable: false });
  expect(got).toBeGreaterThan((MEGABYTES - 1) * MEGABYTE);
  const status = readFileSync(`/proc/${String(child?.pid)}/status`, 'utf8');
  expect(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1])).toBeLessThan(120 * 1024);
});
