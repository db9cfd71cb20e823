/** Every command as it is typed, for completion. A test holds it equal to the program's own table. */
export function commandWords(): readonly string[] {
  return WORDS;
}

const WORDS = [
  'start',
  'finish',
  'list',
  'docker start',
  'docker stop',
  'docker exec',
  'docker list',
  'config show',
  'config get',
  'config set',
  'config path',
  'config schema',
  'doctor',
  'completion',
] as const;
