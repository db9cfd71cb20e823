/** What the terminal sent, as keys. */
import type { Key as InkKey } from 'ink';
import { graphemes } from '../cut.ts';
import type { Key } from './state.ts';

const NAMED = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['pageUp', 'pageup'],
  ['pageDown', 'pagedown'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  // What most terminals send for the backspace key is the character DEL.
  ['backspace', 'backspace'],
  ['delete', 'backspace'],
] as const;

const CONTROLS: Readonly<Partial<Record<string, Key>>> = {
  '\r\n': { kind: 'enter' },
  '\r': { kind: 'enter' },
  '\n': { kind: 'enter' },
  '\u0003': { kind: 'interrupt' },
  '\u0008': { kind: 'backspace' },
  '\u001a': { kind: 'suspend' },
  '\u001b': { kind: 'escape' },
  '\u007f': { kind: 'backspace' },
};

/** What was typed fast, or pasted, arrives as one text. */
export function keysOf(input: string, key: InkKey): readonly Key[] {
  if (key.ctrl && input === 'c') return [{ kind: 'interrupt' }];
  if (key.ctrl && input === 'z') return [{ kind: 'suspend' }];
  const named = NAMED.find(([name]) => key[name]);
  if (named !== undefined) return [{ kind: named[1] }];
  if (key.ctrl || key.meta) return [];
  return graphemes(input).flatMap((character) => {
    const control = CONTROLS[character];
    if (control !== undefined) return [control];
    return character < ' ' ? [] : [{ kind: 'text', text: character } as const];
  });
}
