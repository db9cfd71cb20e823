/** What the view says about itself. */
import type { Overview } from '../../sessions/overview.ts';
import type { Line } from './detail.ts';
import type { ViewState } from './state.ts';

export const HINTS =
  '? help · q quit · ⏎ attach · e exec · l logs · s stop/start · f finish · c cancel · / filter · o sort · u usage';

export const HELP: readonly Line[] = [
  { text: 'para monitor', tone: 'bold' },
  ...[
    '',
    '↑ ↓  j k         select a session        g G Home End PgUp PgDn  go far',
    'enter            a shell in its container                 (para docker attach)',
    'e                run a command in its container           (para docker exec)',
    'l                what its container prints; Ctrl-C ends   (para docker logs -f)',
    's                stop its container, or start it          (para docker stop, start)',
    'f                finish it: asks for the message          (para finish)',
    'c                cancel it: all is archived               (para cancel)',
    '/                show those only that have a text in them; Esc shows all',
    'o                order by name, state, progress, lines, age',
    'u                CPU and memory: show, or do not ask for them',
    '?                this page',
    'q, Ctrl-C        quit                    Ctrl-Z  suspend',
    '',
    'What changes something is asked about first, and is the command named on the right.',
    '',
    'Any key goes back.',
  ].map((text) => ({ text })),
];

interface Titled {
  readonly title: string;
  readonly overview: Overview | undefined;
  readonly state: ViewState;
}

/** The repository, how many sessions there are, and what is not as it was at first. */
export function titleOf({ title, overview, state }: Titled, shown: number): string {
  const sessions = overview?.sessions ?? [];
  const count = (test: (row: (typeof sessions)[number]) => boolean): number => sessions.filter(test).length;
  const running = count(({ container }) => container === 'running');
  const blocked = count(({ says }) => says?.blocked === true);
  const broken = count(({ settle }) => settle !== null);
  return [
    `para  ${title}`,
    shown === sessions.length
      ? `${String(shown)} sessions`
      : `${String(shown)} of ${String(sessions.length)} sessions`,
    `${String(running)} running`,
    ...(blocked > 0 ? [`${String(blocked)} blocked`] : []),
    ...(broken > 0 ? [`${String(broken)} to mend`] : []),
    ...(state.sort === 'name' ? [] : [`by ${state.sort}`]),
    ...(state.filter === '' ? [] : [`with “${state.filter}”`]),
  ].join('  ');
}
