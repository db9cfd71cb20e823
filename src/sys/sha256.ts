/** What bytes are told apart by. */
import { createHash } from 'node:crypto';

/** SHA-256 in hexadecimal: what a file's bytes are known by. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
