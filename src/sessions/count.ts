/** `1 commit`, `2 commits`. */
export function commitCount(count: number): string {
  return count === 1 ? '1 commit' : `${String(count)} commits`;
}
