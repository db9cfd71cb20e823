/** What a machine with both engines needs: docker's firewall drops what goes on inside of podman's closed networks. */
import { execFileSync } from 'node:child_process';
import type { TestEngine } from './engines.ts';

/** Of closed networks in `pool`: bridged packets alone, and nothing out of them. */
const rule = (pool: string): string[] => [
  ...['-m', 'physdev', '--physdev-is-bridged'],
  ...['-s', pool, '-d', pool, '-j', 'ACCEPT'],
];

/** Lets pass what para tells its user to let pass. @returns what takes it back */
export function openBridges({ id }: TestEngine, pool: string): () => void {
  if (id !== 'podman' || process.getuid?.() !== 0) return () => undefined;
  execFileSync('iptables', ['-I', 'FORWARD', ...rule(pool)]);
  return () => {
    execFileSync('iptables', ['-D', 'FORWARD', ...rule(pool)]);
  };
}
