/** A15–A19 and A21: what a container can put where its status is read; shell text, in that directory. */
export interface StatusShape {
  readonly id: string;
  /** `SECRET` is a file of the user's. */
  readonly make: string;
  /** True: it is taken. */
  readonly reads: boolean;
}

const shape = (id: string, make: string): StatusShape => ({ id, make, reads: false });
const text = (json: string): StatusShape => shape('A21', `printf '%b' '${json}' >status.json`);

export const STATUS_SHAPES: readonly StatusShape[] = [
  {
    id: 'A21',
    make: `echo '{"status":"running","timestamp":"2026-01-02T03:04:05Z","phase":"taken"}' >status.json`,
    reads: true,
  },
  shape('A15', 'ln -s SECRET status.json'),
  shape('A16', 'mkfifo status.json'),
  shape('A17', 'truncate -s 20G status.json'),
  shape('A18', 'mkdir status.json'),
  shape('A18', 'ln -s /dev/zero status.json; mknod status.json c 1 5 2>/dev/null; :'),
  shape('A18', 'perl -MIO::Socket::UNIX -e \'IO::Socket::UNIX->new(Local => "status.json", Listen => 1)\''),
  shape(
    'A19',
    `echo '{"status":"running","timestamp":"2026-01-02T03:04:05Z","phase":"taken"}' >other; ln other status.json; ln SECRET status2.json 2>/dev/null; :`,
  ),
  text('{"status":"running","timestamp":"2026-01-02T03:04:05Z","phase":"taken"'),
  text('{"status":"running","timestamp":"2026-01-02T03:04:05Z","phase":"taken","x":"\\\\0377"}'),
  text('\\\\0357\\\\0273\\\\0277{"status":"running","timestamp":"2026-01-02T03:04:05Z","phase":"taken"}'),
  text('{"__proto__":{"timestamp":"2026-01-02T03:04:05Z","phase":"taken"}}'),
  text(
    '{"status":"running","timestamp":"2026-01-02T03:04:05Z","phase":"taken","timestamp":"2026-01-02T03:04:05Z","phase":"taken"}',
  ),
  text(
    '{"status":"running","timestamp":"2026-01-02T03:04:05Z","phase":"taken","progress":{"current":1e999,"total":1}}',
  ),
  shape(
    'A21',
    `awk 'BEGIN { for (i = 0; i < 30000; i++) printf "["; for (i = 0; i < 30000; i++) printf "]" }' >status.json`,
  ),
];
