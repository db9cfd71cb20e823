/** The network that the sessions of a repository have together: its name, and how it is known. */
import type { ContainerWish } from '../docker/spec.ts';

/** '' for none. */
export function sharedName(network: ContainerWish['network']): string {
  if (network.mode === 'none') return '';
  return network.mode === 'restricted' ? network.egress : network.name;
}

/** What says whose it is. */
export function networkLabels(repoId: string): Readonly<Record<string, string>> {
  return { 'para.schema': '1', 'para.repo': repoId, 'para.role': 'network' };
}
