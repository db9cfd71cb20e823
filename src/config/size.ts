import { ParaError } from '../errors.ts';

/** The least memory that an engine accepts for a container, in bytes. */
const LEAST = 6 * 1024 * 1024;
const UNITS = ['', 'k', 'm', 'g', 't'];

/** Bytes of "512m", "4g", "1.5GiB" or plain bytes; units are powers of 1024. @throws ParaError USAGE. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:([kmgt])(?:i?b)?|b)?$/i.exec(text.trim());
  const bytes =
    match === null
      ? NaN
      : Math.floor(Number(match[1]) * 1024 ** UNITS.indexOf((match[2] ?? '').toLowerCase()));
  if (!Number.isSafeInteger(bytes))
    throw new ParaError('USAGE', `"${text}" is not a size`, { hint: 'Write 512m, 4g or a number of bytes.' });
  if (bytes < LEAST)
    throw new ParaError('USAGE', `${text} is less than the least memory limit, 6m`, {
      hint: '--memory 512m',
    });
  return bytes;
}
