const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
];

/** How long ago, in one unit: `3d`, `5h`, `12m`, `8s`. */
export function age(since: string, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(since)) / 1000));
  if (Number.isNaN(seconds)) return '?';
  const unit = UNITS.find(([, size]) => seconds >= size);
  return unit === undefined ? `${String(seconds)}s` : `${String(Math.floor(seconds / unit[1]))}${unit[0]}`;
}
