/** JSON with comments, as from a stranger: nothing twice, nothing deep, nothing endless, no inherited names. */
import { isUtf8 } from 'node:buffer';
import { printParseErrorCode, visit, type JSONVisitor } from 'jsonc-parser';
import { ParaError } from '../errors.ts';
import { MAX_DEPTH } from '../sys/json-depth.ts';
import { quote } from './words.ts';

const MAX_KEYS = 10_000;
const MAX_STRING = 16 * 1024;
const INHERITED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

type Tree = Record<string, unknown>;
type Container = Tree | unknown[];

/** Where the parser is, counted from 0. */
interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * The value of JSON with comments; a trailing comma is an error. Objects have no prototype.
 * @throws ParaError CONFIG_INVALID with line:column
 */
export function parseJsonc(file: string, bytes: Uint8Array): unknown {
  const text = decodeUtf8(file, bytes);
  const builder = new Builder(file, text);
  visit(text, builder.visitor(), { allowTrailingComma: false });
  return builder.root;
}

/** The text of UTF-8 without a byte order mark. @throws ParaError CONFIG_INVALID with line:column */
export function decodeUtf8(file: string, bytes: Uint8Array): string {
  if (!isUtf8(bytes)) {
    const text = decode(bytes.subarray(0, firstBad(bytes)));
    const lines = text.split('\n');
    throw invalid(
      file,
      { line: lines.length - 1, column: lines.at(-1)?.length ?? 0 },
      'not UTF-8 text; save the file as UTF-8',
    );
  }
  const text = decode(bytes);
  if (!text.startsWith('\uFEFF')) return text;
  throw invalid(file, { line: 0, column: 0 }, 'a byte order mark; save the file as UTF-8 without one');
}

/** Makes the value while the parser goes through the text. The first problem ends it. */
class Builder {
  root: unknown;
  readonly #file: string;
  readonly #text: string;
  readonly #open: Container[] = [];
  #key = '';
  #keys = 0;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  visitor(): JSONVisitor {
    return {
      onObjectBegin: (_offset, _length, line, column) =>
        this.#begin(Object.create(null) as Tree, { line, column }),
      onArrayBegin: (_offset, _length, line, column) => this.#begin([], { line, column }),
      onObjectEnd: () => void this.#open.pop(),
      onArrayEnd: () => void this.#open.pop(),
      onObjectProperty: (...[key, , , line, column]) => this.#property(key, { line, column }),
      onLiteralValue: (...[value, , , line, column]) => this.#literal(value, { line, column }),
      onError: (...[code, offset, length, line, column]) => {
        const found = this.#text.slice(offset, offset + length).trim();
        const before = this.#text.slice(0, offset);
        throw invalid(this.#file, { line, column }, syntax(printParseErrorCode(code), found, before));
      },
    };
  }

  #begin(container: Container, place: Place): void {
    if (this.#open.length === MAX_DEPTH)
      throw invalid(this.#file, place, `more than ${String(MAX_DEPTH)} levels deep`);
    this.#add(container);
    this.#open.push(container);
  }

  #property(key: string, place: Place): void {
    this.#keys += 1;
    if (this.#keys > MAX_KEYS) throw invalid(this.#file, place, `more than ${String(MAX_KEYS)} keys`);
    this.#checkString(key, place);
    if (INHERITED.has(key)) throw invalid(this.#file, place, `the key ${quote(key)} is not allowed`);
    const object = this.#open.at(-1);
    if (object !== undefined && Object.hasOwn(object, key))
      throw invalid(this.#file, place, `the key ${quote(key)} is there twice`);
    this.#key = key;
  }

  #literal(value: unknown, place: Place): void {
    if (typeof value === 'string') this.#checkString(value, place);
    if (typeof value === 'number' && !Number.isFinite(value))
      throw invalid(this.#file, place, 'a number too large to hold');
    this.#add(value);
  }

  #checkString(text: string, place: Place): void {
    if (Buffer.byteLength(text) > MAX_STRING) throw invalid(this.#file, place, 'a string longer than 16 KiB');
    if (text.includes('\0')) throw invalid(this.#file, place, 'a string with a NUL character');
  }

  #add(value: unknown): void {
    const into = this.#open.at(-1);
    if (into === undefined) this.root = value;
    else if (Array.isArray(into)) into.push(value);
    else into[this.#key] = value;
  }
}

function syntax(name: string, found: string, before: string): string {
  if (before.trim() === '' && found === '') return 'the file is empty; a file that sets nothing holds {}';
  if (name === 'InvalidSymbol') return notJson(found);
  if (name === 'CommaExpected' && /^\d/.test(found) && before.endsWith('0'))
    return 'a number may not start with 0';
  const expected = EXPECTED[name];
  if (expected === undefined) return BROKEN[name] ?? name;
  const isSurplus = /^[}\]]$/.test(found) && before.trimEnd().endsWith(',');
  return `expected ${expected}, found ${token(found)}${isSurplus ? '; the comma before it is one too many' : ''}`;
}

function token(found: string): string {
  if (found === '') return 'the end of the file';
  return quote(found.startsWith('"') ? found.slice(1, -1) : found);
}

function notJson(found: string): string {
  const isKnown = /^(true|false|null)$/i.test(found);
  return `${quote(found)} is not JSON; ${isKnown ? `write ${found.toLowerCase()}` : 'text and keys go in double quotes'}`;
}

const EXPECTED: Readonly<Partial<Record<string, string>>> = {
  PropertyNameExpected: 'a key in double quotes',
  ValueExpected: 'a value',
  ColonExpected: '":"',
  CommaExpected: '","',
  CloseBraceExpected: '"}"',
  CloseBracketExpected: '"]"',
  EndOfFileExpected: 'the end of the file',
};

const BROKEN: Readonly<Partial<Record<string, string>>> = {
  InvalidNumberFormat: 'a number that is none',
  InvalidCommentToken: 'a comment that is none; write // or /* */',
  UnexpectedEndOfComment: 'a comment without its */',
  UnexpectedEndOfString: 'a string without its closing quote',
  UnexpectedEndOfNumber: 'a number that ends too early',
  InvalidUnicode: 'a string with \\u and without four hexadecimal digits',
  InvalidEscapeCharacter: 'a string with an escape that JSON does not know; a backslash is written \\\\',
  InvalidCharacter: 'a string with a control character; a tab is written \\t, a line end \\n',
};

/** The command that prints what a file of this name may hold. */
export function schemaCommand(file: string): string {
  return `para config schema${file.endsWith('docker.json') ? ' docker' : ''}`;
}

function invalid(file: string, place: Place, what: string): ParaError {
  return new ParaError(
    'CONFIG_INVALID',
    `${file}:${String(place.line + 1)}:${String(place.column + 1)}: ${what}`,
    { hint: `Mend it at that line and column. What it may hold:\n${schemaCommand(file)}` },
  );
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
}

/** How many bytes from the start are UTF-8. */
function firstBad(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length + 1;
  while (good + 1 < bad) {
    const middle = (good + bad) >> 1;
    if (startsWell(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function startsWell(bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch {
    return false;
  }
}
