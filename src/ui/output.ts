/** stdout is the answer, stderr is the story. The only module that writes to either. */
import type { ParaError } from '../errors.ts';
import type { Progress } from '../pipeline/step.ts';
import { redact } from '../sys/redact.ts';
import { cleanJson, cleanLines } from './display.ts';
import { UNPAINTED, type Paint } from './paint.ts';

/** The flags that decide how para speaks. */
export interface OutputFlags {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}

/** Where output goes; the streams are handed in so that tests can read them. */
export interface OutputStreams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

/** What a command says. A command never asks which mode it is in. */
export interface Output {
  readonly progress: Progress;
  readonly stderr: NodeJS.WriteStream;
  readonly width: number;
  /** stdout is a terminal that can draw. */
  readonly isTerminal: boolean;
  /** Colours for stdout: none unless it is a terminal. */
  readonly paint: Paint;
  /** The command's answer: one JSON document, or what `toText` makes of it. Nothing for an empty text. */
  answer(data: Readonly<Record<string, unknown>>, toText: (paint: Paint) => string): void;
  /** Bytes as a command printed them, for whoever asked for exactly these. */
  raw(printed: { readonly stdout: Uint8Array; readonly stderr: Uint8Array }): void;
  /** A line of narration on stderr; silent under --quiet and --json. */
  note(text: string): void;
  /** A warning on stderr; also under --quiet, not under --json. */
  warn(text: string): void;
  /** A line on stderr under --verbose. */
  trace: (line: string) => void;
  /** Takes back what a program that was cut off may have done to the terminal; nothing when there is none. */
  calmTerminal: () => void;
  /** Shows an error and its hint. */
  fail(error: ParaError): void;
}

/** The colours, where one of the streams has any: a pipe needs none. */
export async function loadColours(flags: OutputFlags, streams: OutputStreams): Promise<Paint> {
  const { stdout, stderr, env } = streams;
  const isPainted = [stdout, stderr].some((stream) => colours(stream, flags, env));
  return isPainted ? (await import('./colours.ts')).PAINTED : UNPAINTED;
}

/** Decides once how to speak, with these colours where there are any. */
export function createOutput(flags: OutputFlags, streams: OutputStreams, painted: Paint): Output {
  const { stdout, stderr } = streams;
  const paint = colours(stdout, flags, streams.env) ? painted : UNPAINTED;
  const story = colours(stderr, flags, streams.env) ? painted : UNPAINTED;
  const say = (text: string): void => void stderr.write(`${cleanLines(redact(text), story.level > 0)}\n`);
  const document = (data: object): void => {
    stdout.write(`${cleanJson(redact(JSON.stringify(data)))}\n`);
  };
  return {
    progress: chooseProgress(flags, streams),
    stderr,
    isTerminal: stdout.isTTY && streams.env['TERM'] !== 'dumb',
    width: stdout.isTTY ? stdout.columns : Number(streams.env['COLUMNS'] ?? 0) || 0,
    paint,
    answer(data, toText) {
      if (flags.json) {
        document({ schema: 1, ok: true, ...data });
        return;
      }
      const text = cleanLines(redact(toText(paint)), paint.level > 0);
      if (text !== '') stdout.write(`${text}\n`);
    },
    raw(printed) {
      stdout.write(printed.stdout);
      stderr.write(printed.stderr);
    },
    note: (text) => flags.quiet || flags.json || say(text),
    warn: (text) => flags.json || say(`${story.yellow('▲')} ${text}`),
    trace: (line) => {
      if (flags.verbose) say(story.dim(line));
    },
    calmTerminal() {
      if (stdout.isTTY) stdout.write(CALM);
    },
    fail(error) {
      if (flags.json) document(errorDocument(error));
      else say(errorText(error, story, flags.verbose));
    },
  };
}

// Leaves the other screen without moving the cursor, shows it, plain text; no mouse, paste or keypad modes (xterm's
// control sequences). Each does nothing where it was not set.
const CALM =
  '\r\u001b[?1047l\u001b[?25h\u001b[0m\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[?1l\u001b>';

/** Live rows only when a person watches both streams (facts/style.md §4.3). */
export function chooseProgress(flags: OutputFlags, streams: OutputStreams): Progress {
  if (flags.json || flags.quiet) return 'silent';
  const live =
    streams.stderr.isTTY && streams.stdout.isTTY && streams.env['TERM'] !== 'dumb' && !flags.verbose;
  return live ? 'tasks' : 'lines';
}

/** NO_COLOR and FORCE_COLOR as in no-color.org and Node's own convention. */
function colours(stream: NodeJS.WriteStream, flags: OutputFlags, env: NodeJS.ProcessEnv): boolean {
  if (!flags.color || (env['NO_COLOR'] ?? '') !== '') return false;
  if ((env['FORCE_COLOR'] ?? '') !== '') return env['FORCE_COLOR'] !== '0';
  return stream.isTTY && env['TERM'] !== 'dumb';
}

function errorDocument(error: ParaError): object {
  const { code, message, hint, details } = error;
  return { schema: 1, ok: false, error: { code, message, hint: hint ?? null, details: details ?? null } };
}

function errorText(error: ParaError, paint: Paint, verbose: boolean): string {
  const said = (line: string): string => paint.dim(`  │ ${line}`);
  // What follows may be of a name that somebody else gave: it is not to look like what para says.
  const [sentence = '', ...more] = error.message.split('\n');
  const lines = [`${paint.red('✗')} ${sentence}`, ...more.map(said)];
  const stderr = error.details?.['stderr'];
  if (typeof stderr === 'string' && stderr !== '') lines.push(...stderr.split('\n').map(said));
  if (error.hint !== undefined)
    lines.push(...error.hint.split('\n').map((line) => `  ${paint.cyan('↳')} ${line}`));
  if (verbose && error.stack !== undefined) lines.push(paint.dim(error.stack));
  return lines.join('\n');
}
