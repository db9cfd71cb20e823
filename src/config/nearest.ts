/** Finds what somebody probably meant to type. */
import { distance } from 'fastest-levenshtein';

/** The candidate most like `word`, undefined when none is much like it. Parts count: "imge" means "default_image". */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.slice(0, 64).toLowerCase();
  let best: string | undefined;
  let least = Math.max(1, Math.floor(wanted.length / 2)) + 0.1;
  for (const candidate of candidates) {
    const away = howFar(wanted, candidate.toLowerCase());
    if (away < least) [best, least] = [candidate, away];
  }
  return best;
}

function howFar(word: string, candidate: string): number {
  // A whole match goes before a match of one part.
  const parts = candidate.includes('_') ? candidate.split('_').map((part) => distance(word, part) + 0.5) : [];
  const within = word.split(/[_-]/).includes(candidate) ? [0.5] : [];
  return Math.min(distance(word, candidate), ...parts, ...within);
}

/** The candidate that is at most `most` changed letters away; undefined when there is none. */
export function closest(word: string, candidates: readonly string[], most: number): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, away: distance(word, candidate) }))
    .filter(({ away }) => away <= most);
  return ranked.sort((a, b) => a.away - b.away)[0]?.candidate;
}
