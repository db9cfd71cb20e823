import { randomInt } from 'node:crypto';
import { ParaError } from '../errors.ts';

/** A checked session name: a DNS label of at most 40 characters, so that it fits host and container names. */
export type SessionName = string & { readonly __brand: 'SessionName' };

const NAME = /^[a-z0-9](?:-?[a-z0-9]){0,39}$/;
// Names that a file system or git gives a meaning of its own (facts/security-reliability.md §4).
const RESERVED = new Set([
  'con',
  'prn',
  'aux',
  'nul',
  'com1',
  'lpt1',
  'head',
  'main',
  'master',
  'docker',
  'shared',
  'all',
]);

const ADJECTIVES =
  'amber bold brave bright calm clear cool crisp eager fair fast fine free fresh gentle glad grand happy keen kind light lively lucky merry mild neat noble proud quick quiet ready sharp shiny silver smart smooth solid steady still sunny swift tidy true vivid warm wise witty young'.split(
    ' ',
  );
const NOUNS =
  'acorn anchor apple badge beacon birch breeze bridge brook canyon cedar cloud comet coral creek delta ember falcon fern field finch flame forest fox garden glade grove harbor hawk heron hill island lake lark leaf maple meadow mesa moon oak ocean orchid otter pearl pine planet pond rain reef ridge river robin rose sail sand shore sky snow spark spring star stone stream tide trail tulip valley wave willow wind wren'.split(
    ' ',
  );

/** @throws NAME_INVALID with what is allowed, and the nearest name that would do. */
export function parseSessionName(text: string): SessionName {
  if (isSessionName(text)) return text;
  const suggestion = suggest(text);
  throw new ParaError(
    'NAME_INVALID',
    `${JSON.stringify(text.slice(0, 60))} can not be a session name${RESERVED.has(text) ? ' (reserved)' : ''}`,
    {
      hint: `Use 1 to 40 of a-z, 0-9 and single dashes, starting and ending with a letter or digit.${suggestion === undefined ? '' : `\npara start ${suggestion}`}`,
    },
  );
}

/** Makes a name that is not taken. */
export type NameMaker = (isTaken: (name: string) => boolean) => SessionName;

/** How names are made: after `session.default_name_format`, or readable ones. */
export function nameMaker(format: string | null, now: Date): NameMaker {
  return format === null ? inventSessionName : (isTaken) => formatSessionName(format, now, isTaken);
}

/** A readable name that `isTaken` does not know, such as `calm-otter`. */
export function inventSessionName(isTaken: (name: string) => boolean): SessionName {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const plain = `${pick(ADJECTIVES)}-${pick(NOUNS)}`;
    const name = attempt < 50 ? plain : `${plain}-${String(randomInt(100, 10_000))}`;
    if (!isTaken(name)) return name as SessionName;
  }
  throw new ParaError('SESSION_EXISTS', 'no free session name was found', { hint: 'para start NAME' });
}

/** A name after `session.default_name_format`; with a number when it is taken. @throws CONFIG_INVALID */
function formatSessionName(format: string, now: Date, isTaken: (name: string) => boolean): SessionName {
  const two = (part: number): string => String(part).padStart(2, '0');
  const parts: Readonly<Record<string, string>> = {
    '%Y': String(now.getFullYear()),
    '%m': two(now.getMonth() + 1),
    '%d': two(now.getDate()),
    '%H': two(now.getHours()),
    '%M': two(now.getMinutes()),
    '%S': two(now.getSeconds()),
    '%%': '%',
  };
  const plain = format.replaceAll(/%./g, (word) => parts[word] ?? word);
  for (let number = 1; number < 1000; number += 1) {
    const name = number === 1 ? plain : `${plain}-${String(number)}`;
    if (isTaken(name)) continue;
    if (isSessionName(name)) return name;
    break;
  }
  throw new ParaError(
    'CONFIG_INVALID',
    `the setting session.default_name_format makes ${JSON.stringify(plain)}, which can not be a session name`,
    { hint: "para config set session.default_name_format '%Y%m%d-%H%M%S'" },
  );
}

/** True for what parseSessionName takes. */
export function isSessionName(text: string): text is SessionName {
  return text.length <= 40 && NAME.test(text) && !RESERVED.has(text);
}

function suggest(text: string): string | undefined {
  const near = text
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  if (near === '') return undefined;
  return RESERVED.has(near) ? `${near}-1` : near;
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? 'para';
}
