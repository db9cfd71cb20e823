import stringWidth from 'string-width';

// Making it takes as long as the rest of a short command: only when there is something to segment.
let segmenter: Intl.Segmenter | undefined;
/** Each sign of it is a character by itself. */
const PLAIN = /^[\x20-\x7e]*$/;

/** At most `width` columns of a terminal; what is left out shows as `…`. No character is cut in two. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  return width > 0
    ? `${fitting(graphemes(text), width - 1)
        .join('')
        .trimEnd()}…`
    : '';
}

/** The same from the other end, for what is being typed. */
export function cutStart(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  const kept = fitting(graphemes(text).toReversed(), width - 1).toReversed();
  return width > 0 ? `…${kept.join('')}` : '';
}

/** What a person takes for one character each. */
export function graphemes(text: string): readonly string[] {
  if (PLAIN.test(text)) return text.split('');
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

function fitting(all: readonly string[], width: number): readonly string[] {
  let used = 0;
  const end = all.findIndex((one) => (used += stringWidth(one)) > width);
  return end === -1 ? all : all.slice(0, end);
}
