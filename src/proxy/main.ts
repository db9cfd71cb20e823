/** The proxy as a program: `node proxy.cjs RULES.json`. It ends with 1 when its rules are not valid at the start. */
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import type { Server } from 'node:net';
import { resolveName } from './dial.ts';
import { createLog } from './log.ts';
import { createProxy } from './proxy.ts';
import { createRelay } from './publish.ts';
import { parseProxyRules, type Rules } from './rules.ts';

/** Milliseconds between two looks at the file, and for what is under way when it is told to end. */
const LOOK_MS = 1000;
const END_MS = 2000;

const file = process.argv[2] ?? '/run/para/proxy/rules.json';
const log = createLog((line) => process.stdout.write(line), Date.now);

async function main(): Promise<void> {
  let seen = mark();
  const rules = parseProxyRules(readFileSync(file, 'utf8'));
  const proxy = createProxy(rules, { log, resolve: resolveName });
  const servers = await listen(rules, proxy.server);
  setInterval(() => {
    const now = mark();
    if (now === seen) return;
    seen = now;
    try {
      const next = parseProxyRules(readFileSync(file, 'utf8'));
      proxy.use(next);
      log.event('rules', { allow: next.allow.length, id: next.id });
    } catch (error) {
      log.event('rules-not-valid', { reason: reasonOf(error) });
    }
  }, LOOK_MS);
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      end(servers);
    });
  log.event('ready', { allow: rules.allow.length, publish: rules.publish.map(({ listen: port }) => port) });
}

/** Tells one version of the file from another; '' while there is none. */
function mark(): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? '' : [stat.ino, stat.size, stat.mtimeNs].join(' ');
}

async function listen(rules: Rules, proxy: Server): Promise<readonly Server[]> {
  const { address, port } = rules.listen;
  const relays = rules.publish.map(({ listen: at, to }) => createRelay(to).listen(at, '0.0.0.0'));
  const servers = [proxy.listen(port, address), ...relays];
  await Promise.all(servers.map((server) => once(server, 'listening')));
  return servers;
}

function end(servers: readonly Server[]): void {
  log.event('ending');
  let open = servers.length;
  for (const server of servers)
    server.close(() => {
      if (--open === 0) process.exit(0);
    });
  setTimeout(() => process.exit(0), END_MS).unref();
}

function reasonOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).slice(0, 200);
}

main().catch((error: unknown) => {
  log.event('failed', { reason: reasonOf(error) });
  process.exitCode = 1;
  process.exit();
});
