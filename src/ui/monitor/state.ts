/** What a person has done to the view, and what each key does to that. Knows no screen. */
import type { OverviewRow } from '../../sessions/overview.ts';
import { graphemes } from '../cut.ts';
import { ACTIONS, type Question, type Step, type Task } from './actions.ts';
import { shownRows, SORTS, type Sort } from './rows.ts';

/** A key, or the text of several. */
export type Key =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind:
        | 'up'
        | 'down'
        | 'pageup'
        | 'pagedown'
        | 'home'
        | 'end'
        | 'enter'
        | 'escape'
        | 'backspace'
        | 'interrupt'
        | 'suspend';
    };

/** What the view remembers, also while another program has the screen. */
export interface ViewState {
  readonly selected: string | undefined;
  /** Where it stood, for when it is gone. */
  readonly at: number;
  readonly top: number;
  readonly filter: string;
  readonly sort: Sort;
  readonly question: Question | undefined;
  readonly isHelp: boolean;
  readonly notice: string;
  /** What containers use: shown or not; undefined: where there is much place. */
  readonly usage: boolean | undefined;
}

/** What has to happen outside of the view. */
export type Wish =
  | { readonly kind: 'quit'; readonly interrupted: boolean }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'run'; readonly task: Task };

export const START: ViewState = {
  ...{ selected: undefined, at: 0, top: 0, filter: '', sort: 'name', question: undefined },
  ...{ isHelp: false, notice: '', usage: undefined },
};

const WIDE = 140;

/** Asking for it costs more than all the rest, so it is done only where it is shown. */
export function showsUsage({ usage }: ViewState, width: number): boolean {
  return usage ?? width >= WIDE;
}

/** What a key does. `page` is how many rows are on the screen. */
export function press(
  state: ViewState,
  key: Key,
  {
    rows,
    page,
    width,
  }: { readonly rows: readonly OverviewRow[]; readonly page: number; readonly width: number },
): { readonly state: ViewState; readonly wish?: Wish } {
  if (key.kind === 'interrupt') return { state, wish: { kind: 'quit', interrupted: true } };
  if (key.kind === 'suspend') return { state, wish: { kind: 'suspend' } };
  const calm = { ...state, notice: '' };
  if (state.isHelp) return { state: { ...calm, isHelp: false } };
  if (state.question?.kind === 'filter') return { state: filtering(calm, state.question, key, rows) };
  if (state.question !== undefined) return answer(calm, state.question, key);
  const shown = shownRows(rows, state.filter, state.sort);
  const moved = move(key, page);
  if (moved !== undefined) return { state: select(calm, shown, indexOf(calm, shown) + moved) };
  if (key.kind === 'escape') return { state: { ...calm, filter: '' } };
  if (isText(key, 'u')) return { state: { ...calm, usage: !showsUsage(calm, width) } };
  return browse(calm, key, shown[indexOf(calm, shown)]);
}

/** Where the selected one is now; where it was when it is gone. */
export function indexOf(state: ViewState, shown: readonly OverviewRow[]): number {
  const found = shown.findIndex(({ name }) => name === state.selected);
  return found === -1 ? Math.max(0, Math.min(state.at, shown.length - 1)) : found;
}

function select(state: ViewState, shown: readonly OverviewRow[], index: number): ViewState {
  const at = Math.max(0, Math.min(index, shown.length - 1));
  return { ...state, selected: shown[at]?.name, at };
}

function move(key: Key, page: number): number | undefined {
  const far = Number.MAX_SAFE_INTEGER;
  if (key.kind === 'up' || isText(key, 'k')) return -1;
  if (key.kind === 'down' || isText(key, 'j')) return 1;
  if (key.kind === 'pageup') return -page;
  if (key.kind === 'pagedown') return page;
  if (key.kind === 'home' || isText(key, 'g')) return -far;
  return key.kind === 'end' || isText(key, 'G') ? far : undefined;
}

function isText(key: Key, text: string): boolean {
  return key.kind === 'text' && key.text === text;
}

function browse(
  state: ViewState,
  key: Key,
  row: OverviewRow | undefined,
): { readonly state: ViewState; readonly wish?: Wish } {
  const word = key.kind === 'text' ? key.text : key.kind;
  if (word === 'q') return { state, wish: { kind: 'quit', interrupted: false } };
  if (word === '?') return { state: { ...state, isHelp: true } };
  if (word === 'o') return { state: { ...state, sort: after(state.sort) } };
  if (word === '/')
    return { state: { ...state, question: { kind: 'filter', text: state.filter, before: state.filter } } };
  const action = ACTIONS[word];
  if (action === undefined) return { state };
  if (row === undefined) return { state: { ...state, notice: 'There is no session to do that with.' } };
  return goOn({ ...state, selected: row.name }, action(row));
}

function after(sort: Sort): Sort {
  return SORTS[(SORTS.indexOf(sort) + 1) % SORTS.length] ?? 'name';
}

function goOn(state: ViewState, step: Step): { readonly state: ViewState; readonly wish?: Wish } {
  if ('ask' in step) return { state: { ...state, question: step.ask } };
  if ('notice' in step) return { state: { ...state, question: undefined, notice: step.notice } };
  return { state: { ...state, question: undefined }, wish: { kind: 'run', task: step.run } };
}

const MOST_TYPED = 4_000;

/** What is typed counts at once, and what it leaves is selected. */
function filtering(
  state: ViewState,
  question: Question & { readonly kind: 'filter' },
  key: Key,
  rows: readonly OverviewRow[],
): ViewState {
  if (key.kind === 'escape') return { ...state, question: undefined, filter: question.before };
  const shown = shownRows(rows, state.filter, state.sort);
  if (key.kind === 'enter') return select({ ...state, question: undefined }, shown, indexOf(state, shown));
  const text = typed(question.text, key);
  return { ...state, filter: text, question: { ...question, text } };
}

function answer(
  state: ViewState,
  question: Exclude<Question, { readonly kind: 'filter' }>,
  key: Key,
): { readonly state: ViewState; readonly wish?: Wish } {
  const closed = { ...state, question: undefined };
  if (question.kind === 'yes') {
    if (isText(key, 'y') || isText(key, 'Y')) return goOn(state, { run: question.run });
    return { state: { ...closed, notice: 'Nothing was done.' } };
  }
  if (key.kind === 'escape') return { state: closed };
  if (key.kind === 'enter') return goOn(state, question.then(question.text.trim()));
  return { state: { ...state, question: { ...question, text: typed(question.text, key) } } };
}

function typed(text: string, key: Key): string {
  if (key.kind === 'text') return (text + key.text).slice(0, MOST_TYPED);
  if (key.kind !== 'backspace') return text;
  return graphemes(text).slice(0, -1).join('');
}
