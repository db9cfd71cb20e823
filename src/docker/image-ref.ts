/** Image references by the distribution grammar (facts/security-reliability.md §4). Pure. */
import { ParaError } from '../errors.ts';

const PART = '[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*';
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const PORT = '(?::[0-9]{1,5})';
// Without a dot or a port a first part is no host (`team/app`), so it can not be in capitals either.
const HOST = `(?:localhost${PORT}?|${LABEL}(?:\\.${LABEL})+${PORT}?|${LABEL}${PORT}|\\[[0-9a-fA-F:]+\\]${PORT}?)`;
const NAME = new RegExp(`^(?:${HOST}/)?${PART}(?:/${PART})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MAX_NAME = 255;

/**
 * Checks a reference and returns it trimmed; tag and host stay as they were given.
 * @throws USAGE with the sentence that says which part is wrong
 */
export function parseImageReference(text: string): string {
  const reference = text.trim();
  const reason = problem(reference);
  if (reason === undefined) return reference;
  throw new ParaError('USAGE', `${JSON.stringify(text)} is not an image: ${reason}`, {
    hint: 'For example: node:22, or host:5000/team/app:1.2',
  });
}

function problem(reference: string): string | undefined {
  if (reference === '') return 'it is empty';
  if (reference.startsWith('-')) return 'it starts with a dash';
  if (/\s|\p{Cc}/u.test(reference)) return 'it holds a space or a control character';
  const at = reference.indexOf('@');
  const named = at < 0 ? reference : reference.slice(0, at);
  if (at >= 0 && !DIGEST.test(reference.slice(at + 1))) return 'the digest is not sha256: and 64 hex digits';
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  if (hasTag && !TAG.test(named.slice(colon + 1))) return 'the tag is not 1 to 128 letters, digits, _ . -';
  return nameProblem(hasTag ? named.slice(0, colon) : named);
}

function nameProblem(name: string): string | undefined {
  if (name.length > MAX_NAME) return `the name is longer than ${String(MAX_NAME)} characters`;
  if (NAME.test(name)) return undefined;
  return /[A-Z]/.test(name.replace(/^[^/]*[.:][^/]*\//, ''))
    ? 'the name must be lower case'
    : 'the name holds characters that names may not';
}
