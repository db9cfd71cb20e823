import { afterAll, beforeAll, expect } from '@jest/globals';
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAgentRun } from '../../src/sessions/agent-run.ts';
import { worktreeDockerFile } from '../../src/sessions/docker-file.ts';
import { readStatus } from '../../src/sessions/status-file.ts';
import { fuzz } from './fuzz.ts';
import { nastyJson, nastyText } from './inputs.ts';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'para-fuzz-inodes-')));
const at = (name: string): string => join(top, name);
const SECRET = 'what is elsewhere on this machine';
/** It would be taken, if it were followed. */
const TELLING = JSON.stringify({ timestamp: '2026-01-02T03:04:05Z', status: 'running', message: SECRET });
let server: Server;
beforeAll(async () => {
  execFileSync('mkfifo', [at('fifo')]);
  writeFileSync(at('secret'), TELLING);
  mkdirSync(at('elsewhere'));
  for (const name of ['status.json', 'docker.json']) writeFileSync(join(at('elsewhere'), name), TELLING);
  server = createServer().listen(at('socket'));
  await new Promise((done) => server.once('listening', done));
});
afterAll(() => {
  server.close();
  rmSync(top, { recursive: true });
});

const KINDS = [
  ...(['link', 'fifo', 'socket', 'directory', 'sparse', 'hard link', 'device', 'dangling', 'loop'] as const),
  'nothing' as const,
];

/** What can lie where a file should be. */
const shape = fc.oneof(
  nastyText.map((text) => ({ kind: 'file', text }) as const),
  nastyJson.map((value) => ({ kind: 'file', text: JSON.stringify(value) }) as const),
  fc
    .record({ status: fc.constantFrom('working', 'done', 'x'), message: nastyText, phase: nastyText })
    .map((value) => ({ kind: 'file', text: JSON.stringify(value) }) as const),
  fc.constantFrom(...KINDS).map((kind) => ({ kind })),
);
/** The directory itself may be a link. */
const inputs = fc.record({ shape, above: fc.boolean() });
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

const SPARSE = 20 * 1024 ** 3;

const MAKE: Readonly<Record<string, (path: string) => void>> = {
  link: (path) => {
    symlinkSync(at('secret'), path);
  },
  // A socket and a pipe stay what they are under another name.
  fifo: (path) => {
    linkSync(at('fifo'), path);
  },
  socket: (path) => {
    linkSync(at('socket'), path);
  },
  'hard link': (path) => {
    linkSync(at('secret'), path);
  },
  directory: (path) => {
    mkdirSync(path);
  },
  sparse: (path) => {
    writeFileSync(path, '{}');
    truncateSync(path, SPARSE);
  },
  device: (path) => {
    symlinkSync('/dev/zero', path);
  },
  dangling: (path) => {
    symlinkSync('nowhere', path);
  },
  loop: (path) => {
    symlinkSync(path, path);
  },
  nothing: () => undefined,
};

function make(path: string, what: Shape): void {
  if (what.kind === 'file') writeFileSync(path, what.text);
  else MAKE[what.kind]?.(path);
}

fuzz('P10', 'what lies where a file should be is read, or is not: no hang', inputs, async (input) => {
  const [state, worktree] = [at('state'), at('worktree')];
  for (const dir of [state, worktree]) rmSync(dir, { recursive: true, force: true });
  for (const dir of [join(state, 'out'), join(state, 'cmd'), join(state, 'logs'), join(worktree, '.para')])
    mkdirSync(dir, { recursive: true });
  make(join(state, 'out/status.json'), input.shape);
  make(join(state, 'cmd/agent.json'), input.shape);
  make(join(worktree, '.para/docker.json'), input.shape);
  // `out` is where a mount is: what is inside can not be replaced from there.
  if (input.above) {
    renameSync(join(worktree, '.para'), join(worktree, 'before'));
    symlinkSync(at('elsewhere'), join(worktree, '.para'));
  }
  const told = await readStatus(state);
  await readAgentRun(state);
  const bytes = await worktreeDockerFile(worktree);
  const isFile = input.shape.kind === 'file';
  if (!isFile) expect(JSON.stringify(told)).not.toContain(SECRET);
  // A second name of a file is as good as the first: nothing is followed.
  const isRead = !input.above && (isFile || input.shape.kind === 'hard link');
  expect(typeof bytes === 'string').toBe(!isRead);
  if (told.status !== undefined) expect(told.defect).toBeUndefined();
  return isFile;
});
