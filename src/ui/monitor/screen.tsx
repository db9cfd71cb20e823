/** The screen: a title, the sessions, the selected one in detail, and a line for keys and questions. */
import { Box, Text, useInput } from 'ink';
import type { Paint } from '../paint.ts';
import type { ReactNode } from 'react';
import stringWidth from 'string-width';
import type { Overview, OverviewRow } from '../../sessions/overview.ts';
import { redact } from '../../sys/redact.ts';
import { cut, cutStart } from '../cut.ts';
import { display } from '../display.ts';
import { overviewColumns } from '../overview-table.ts';
import { table } from '../table.ts';
import type { Question } from './actions.ts';
import { detailLines, type Line } from './detail.ts';
import { HELP, HINTS, titleOf } from './words.ts';
import { keysOf } from './keys.ts';
import { shownRows } from './rows.ts';
import { indexOf, showsUsage, type Key, type ViewState } from './state.ts';

/** All that is on the screen. */
export interface ScreenProps {
  readonly title: string;
  readonly paint: Paint;
  readonly size: Size;
  readonly now: Date;
  readonly state: ViewState;
  /** undefined until the first look has come to its end. */
  readonly overview: Overview | undefined;
  /** What the selected session printed last. */
  readonly log: readonly string[];
  readonly onKeys: (keys: readonly Key[]) => void;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The lowest line stays free: what writes there makes a terminal scroll. */
export function layoutOf({ height }: Size): { readonly page: number; readonly detail: number } {
  const all = Math.max(1, height - 1);
  const detail = all < 12 ? 0 : Math.max(6, Math.floor(all * 0.4));
  // Title, heads and the last line.
  return { page: Math.max(1, all - detail - 3), detail };
}

export function Screen(props: ScreenProps): ReactNode {
  const { size, paint, state } = props;
  useInput((input, key) => {
    props.onKeys(keysOf(input, key));
  });
  if (state.isHelp) return <Lines lines={HELP} height={size.height - 1} {...{ paint, size }} />;
  const shown = shownRows(props.overview?.sessions ?? [], state.filter, state.sort);
  const selected = shown[indexOf(state, shown)];
  const { detail } = layoutOf(size);
  const lines = detailLines(selected, props.log.map(redact), {
    ...{ width: size.width, height: detail, now: props.now },
  });
  return (
    <Box flexDirection="column">
      <OneLine text={paint.inverse(fill(titleOf(props, shown.length), size.width))} />
      <Rows {...props} shown={shown} />
      <Lines height={detail} {...{ lines, paint, size }} />
      <LastLine {...props} />
    </Box>
  );
}

function Rows(props: ScreenProps & { readonly shown: readonly OverviewRow[] }): ReactNode {
  const { shown, state, size, paint, overview, now } = props;
  const { page } = layoutOf(size);
  const seen = shown.slice(state.top, state.top + page);
  const at = indexOf(state, shown) - state.top;
  if (seen.length === 0) {
    const text =
      overview === undefined
        ? 'Looking …'
        : state.filter === ''
          ? 'No sessions here. Start one:  para start NAME'
          : 'No session has that in it.';
    return <Lines lines={[{ text: '' }, { text: `  ${text}` }]} height={page + 1} {...{ paint, size }} />;
  }
  const [head = '', ...lines] = table(
    seen,
    overviewColumns(now, { usage: showsUsage(state, size.width) }),
    paint,
    size.width - 2,
  ).split('\n');
  return (
    <Box flexDirection="column" height={page + 1}>
      <OneLine text={`  ${head}`} />
      {lines.map((line, i) => (
        <OneLine
          key={seen[i]?.name ?? i}
          text={redact(i === at ? `${paint.bold('▸')} ${line}` : `  ${line}`)}
        />
      ))}
    </Box>
  );
}

/** What is asked; else what was done, what an engine has not told, or the keys. */
function LastLine({ state, overview, paint, size }: ScreenProps): ReactNode {
  const { question, notice } = state;
  const [remark = ''] = overview?.remarks ?? [];
  if (question !== undefined)
    // What is typed last is what one has to see.
    return <OneLine text={paint.bold(cutStart(display(asked(question), 8_000), size.width))} />;
  const said = cut(display(notice || remark || HINTS), size.width);
  return <OneLine text={notice === '' && remark !== '' ? paint.yellow(said) : paint.dim(said)} />;
}

function asked(question: Question): string {
  if (question.kind === 'filter') return `Filter: ${question.text}▏`;
  return question.kind === 'line' ? `${question.label} ${question.text}▏` : `${question.label} y/N`;
}

function fill(text: string, width: number): string {
  const shown = cut(display(text), width);
  return shown + ' '.repeat(Math.max(0, width - stringWidth(shown)));
}

interface LinesProps {
  readonly lines: readonly Line[];
  readonly height: number;
  readonly paint: Paint;
  readonly size: Size;
}

function Lines({ lines, height, paint, size }: LinesProps): ReactNode {
  return (
    <Box flexDirection="column" height={height}>
      {lines.slice(0, height).map(({ text, tone }, i) => {
        const shown = cut(redact(text), size.width);
        return <OneLine key={i} text={tone === undefined ? shown : paint[tone](shown)} />;
      })}
    </Box>
  );
}

/** Never two, whatever a terminal takes for a wide character. An empty one has its line too. */
function OneLine({ text }: { readonly text: string }): ReactNode {
  return <Text wrap="truncate-end">{text === '' ? ' ' : text}</Text>;
}
