/** Docker's `Ports` column: a text such as `127.0.0.1:8080->80/tcp, [::]:8080->80/tcp, 81/udp`. */
import type { PortMapping } from './driver.ts';

/** The published ports of the column; exposed ones without a host port are not listed. */
export function parsePublishedText(text: string): readonly PortMapping[] {
  return text.split(', ').flatMap((part) => {
    // docker 20 writes `:::8080->80/tcp`, 28 `[::]:8080->80/tcp` (engines.md §2.10); ranges `8080-8082->80-82/tcp`.
    const match = /^(.*):(\d+)(?:-\d+)?->(\d+)(?:-(\d+))?\/(tcp|udp)$/.exec(part.trim());
    if (match === null) return [];
    const [, ip = '', host = '', from = '', to = from, protocol] = match;
    // No machine has more ports, whatever a broken answer says.
    const length = Math.min(65_536, Number(to) - Number(from) + 1);
    return Array.from({ length }, (_, index) => ({
      hostIp: ip.replace(/^\[|\]$/g, ''),
      hostPort: Number(host) + index,
      containerPort: Number(from) + index,
      protocol: protocol === 'udp' ? ('udp' as const) : ('tcp' as const),
    }));
  });
}
