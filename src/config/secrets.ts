/** The secrets of the user's settings: where their values are, never the values themselves. */
import type { Problem } from './explain.ts';
import type { ConfigFile } from './generated/types.ts';

/** Where a value is. */
export type Source =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'cmd'; readonly argv: readonly [string, ...string[]] }
  | { readonly kind: 'op'; readonly reference: string };

/** A secret as the settings have it. */
export interface Secret {
  readonly name: string;
  readonly source: Source;
  /** The variable in which the agent's process has it too. */
  readonly asEnv: string | undefined;
  /** A login that is renewed where it is used. */
  readonly rotating: boolean;
  /** Main checkouts whose containers get it, as they were written; undefined: all. */
  readonly repositories: readonly string[] | undefined;
}

type Settings = NonNullable<ConfigFile['secrets']>;

/** Every secret that the settings know, checked before (`secretProblems`). */
export function secretsOf(settings: Settings): readonly Secret[] {
  return Object.entries(settings).map(([name, setting]) => {
    const one = whole(setting);
    const source = parseSource(one.source) ?? { kind: 'file', path: '' };
    const rotating = one.rotating ?? ROTATING.test(one.source);
    return { name, source, asEnv: one.as_env, rotating, repositories: one.repositories };
  });
}

// Logins that agents renew, and whose old one is then worth nothing (facts/peers.md, pain 10).
const ROTATING =
  /^file:.*\/(\.claude\/\.credentials\.json|\.codex\/auth\.json|\.gemini\/oauth_creds\.json|opencode\/auth\.json)$/;

/** What a schema can not say. No value and no source is told: somebody may have put the one in place of the other. */
export function secretProblems(settings: Settings = {}): readonly Problem[] {
  const taken = new Set<string>();
  return Object.entries(settings).flatMap(([name, setting]) => {
    const { source, as_env: variable } = whole(setting);
    const place = `secrets.${name}`;
    if (parseSource(source) === undefined)
      return [
        { place, message: 'expected cmd: with a JSON array of words, such as cmd:["pass", "show", "x"]' },
      ];
    if (variable === undefined) return [];
    if (taken.has(variable))
      return [{ place: `${place}.as_env`, message: `another secret is in ${variable} already` }];
    taken.add(variable);
    return [];
  });
}

function whole(setting: Settings[string]): Exclude<Settings[string], string> {
  return typeof setting === 'string' ? { source: setting } : setting;
}

function parseSource(text: string): Source | undefined {
  const rest = text.slice(text.indexOf(':') + 1);
  if (text.startsWith('env:')) return { kind: 'env', name: rest };
  if (text.startsWith('file:')) return { kind: 'file', path: rest };
  if (text.startsWith('op:')) return { kind: 'op', reference: text };
  const argv = parseWords(rest);
  return argv && { kind: 'cmd', argv };
}

function parseWords(json: string): readonly [string, ...string[]] | undefined {
  try {
    const words: unknown = JSON.parse(json);
    if (!Array.isArray(words) || words.length === 0 || words[0] === '') return undefined;
    const fits = words.every((word) => typeof word === 'string' && !word.includes('\0'));
    return fits ? (words as [string, ...string[]]) : undefined;
  } catch {
    return undefined;
  }
}
