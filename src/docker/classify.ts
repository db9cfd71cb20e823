/**
 * From an engine's words to an error code (method: facts/engines.md §1.1). Exit codes are not used: docker makes
 * them from substrings. A text that no rule knows stays undefined; nothing is guessed.
 */
import type { ErrorCode } from '../errors.ts';
import type { EngineFailure } from './driver.ts';

/** The order in which kinds of rules are tried: transport texts hold "no such file", commands come last. */
export const KINDS = [
  'transport',
  'usage',
  'name',
  'port',
  'image',
  'network',
  'mount',
  'state',
  'limit',
  'runtime',
  'command',
] as const;

/** One text and what it means. `only` limits it to certain verbs (the first word of args). */
export interface Rule {
  readonly text: RegExp;
  readonly code: ErrorCode;
  readonly only?: readonly string[];
}

/** The rules of one engine, by kind; order within a kind counts. */
export type Rules = Readonly<Record<(typeof KINDS)[number], readonly Rule[]>>;

/** Lines that appear with exit code 0 too (engines.md §1.1.2). */
const NOISE: readonly RegExp[] = [
  /^time="[^"]*" level=(warning|info|debug)/i,
  /^emulate docker cli using podman/i,
  /^resource limits are not supported and ignored/i,
  /^(warn|warning)[:[]/i,
  /^flag --time has been deprecated/i,
  /^trying to pull /i,
  /^(copying|getting|writing|storing) (blob|config|image source|manifest|signatures)/i,
  /^unable to find image '.*' locally/i,
  /^(run|see) '.* --help'/i,
  /^exit status 1$/i,
  /^your kernel does not support /i,
];

/** The lines of stderr that mean something. */
export function meaningfulLines(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !NOISE.some((noise) => noise.test(line)));
}

/** The code of a failure under these rules, or undefined. */
export function classifyBy(rules: Rules, failure: EngineFailure): ErrorCode | undefined {
  const text = meaningfulLines(failureText(failure)).join('\n');
  const verb = failure.args.find((arg) => !arg.startsWith('-')) ?? '';
  for (const kind of KINDS) {
    const hit = rules[kind].find((rule) => (rule.only?.includes(verb) ?? true) && rule.text.test(text));
    if (hit !== undefined) return hit.code;
  }
  return undefined;
}

/**
 * stderr; and for `exec` with a silent stderr the engine's own sentence on stdout, where docker 20 to 28 put
 * a failed start (engines.md §1.1.6). Other stdout is the container's and proves nothing.
 */
function failureText(failure: EngineFailure): string {
  if (failure.stderr.trim() !== '') return failure.stderr;
  return /^(OCI runtime exec failed|unable to find user|Error response from daemon)/i.test(failure.stdout)
    ? failure.stdout
    : '';
}
