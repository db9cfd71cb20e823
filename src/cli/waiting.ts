import type { Output } from '../ui/output.ts';

/** What a command says, once, while another para holds the lock that it needs. */
export function saysWhoIsWaitedFor(output: Output): (owner: { readonly pid: number }) => void {
  return ({ pid }) => {
    output.note(`Waiting for another para (pid ${String(pid)})`);
  };
}
