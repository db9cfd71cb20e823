/** What happens to a repository in a sequence of the model: commands of para, a person's work, and accidents. */
import fc from 'fast-check';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineFault, How, Inside } from './inside.ts';
import { misbehaved, type Ledger } from './ledger.ts';

/** A repository in the middle of a sequence. */
export interface Place {
  readonly world: Inside;
  readonly ledger: Ledger;
  /** Makes every piece of work another one. */
  serial: number;
}

/** Steps in their order. */
export type Sequence = Iterable<Step>;

/** One step of a sequence. */
type Step = fc.AsyncCommand<Model, Place>;

/** What para has said so far; sessions that are not there are seldom asked for. */
interface Model {
  readonly there: Set<string>;
}

const NAMES = ['a', 'b'] as const;
type Name = (typeof NAMES)[number];

class Command implements Step {
  private readonly args: readonly string[];
  private readonly how: How;
  private readonly hours: number;

  constructor(args: readonly string[], how: How, hours: number) {
    this.args = args;
    this.how = how;
    this.hours = hours;
  }
  check({ there }: Model): boolean {
    const session = NAMES.find((one) => this.args.includes(one));
    return session === undefined || FIRST.has(this.args[0]) || there.has(session);
  }
  toString = (): string =>
    `para ${this.args.join(' ')}${JSON.stringify(this.how) === '{}' ? '' : ` ${JSON.stringify(this.how)}`}${this.hours === 1 ? '' : ` ${String(this.hours)} h`}`;
  private learn({ there }: Model, code: number | undefined): void {
    const session = NAMES.find((one) => this.args.includes(one));
    if (session === undefined) return;
    if (FIRST.has(this.args[0]) && (code === 0 || code === undefined)) there.add(session);
    if (['finish', 'cancel'].includes(this.args[0] ?? '') && code === 0) there.delete(session);
  }
  async run(model: Model, { world, ledger }: Place): Promise<void> {
    world.clock = new Date(world.clock.getTime() + this.hours * 3_600_000);
    if (this.args.includes('--force')) ledger.letGo();
    const ended = await world.para(this.args, this.how);
    this.learn(model, ended.code);
    // The exit code of `exec` is the command's, and an engine that fails says so itself on the terminal.
    const said = this.args.includes('exec') ? { ...ended, code: 0 } : ended;
    const wrong = [...misbehaved(world, said), ...(await ledger.broken())];
    if (wrong.length > 0) throw new Error(`${this.toString()}: ${wrong.join('\n')}\n${ended.stderr}`);
  }
}

/** Verbs that need no session. */
const FIRST = new Set<string | undefined>(['start', 'recover']);

/** Done by hand: what it destroys nobody has to keep. One that can not be done is not done. */
class Hand implements Step {
  private readonly what: string;
  private readonly session: Name | undefined;
  private readonly work: (place: Place) => unknown;

  constructor(what: string, session: Name | undefined, work: (place: Place) => unknown) {
    this.what = what;
    this.session = session;
    this.work = work;
  }
  check({ there }: Model): boolean {
    return this.session === undefined || there.has(this.session);
  }
  toString = (): string => this.what;
  async run(_model: Model, place: Place): Promise<void> {
    await Promise.resolve(place)
      .then(this.work)
      .catch(() => undefined);
    // Without its .git file a worktree is the main checkout's, to git.
    place.ledger.rebase();
    await place.ledger.forgive();
  }
}

const EDIT = ['one', 'two', 'a.txt'] as const;

function write({ ledger, ...place }: Place, session: Name, file: string, ignored: boolean): void {
  if (!existsSync(ledger.worktree(session))) return;
  const bytes = `${file} of ${session}, ${String(Math.random())}\n`;
  writeFileSync(join(ledger.worktree(session), file), bytes);
  ledger.remember({ bytes, ignored });
  place.serial += 1;
}

async function commit({ ledger }: Place, session: Name): Promise<void> {
  const worktree = ledger.worktree(session);
  await ledger.git(['add', '-A'], worktree);
  await ledger.git(['commit', '-qm', 'work'], worktree);
  ledger.remember({ commit: await ledger.git(['rev-parse', 'HEAD'], worktree) });
}

async function commitInside({ ledger }: Place, session: Name): Promise<void> {
  await ledger.gitInside(session, ['add', '-A']);
  await ledger.gitInside(session, ['commit', '-qm', 'inside']);
  ledger.remember({ commit: await ledger.gitInside(session, ['rev-parse', 'HEAD']) });
}

const remove =
  (...path: string[]) =>
  ({ world }: Place): void => {
    rmSync(join(world.repo.root, ...path), { recursive: true });
  };

const WORK: readonly [string, (place: Place, session: Name) => unknown][] = [
  ...EDIT.map((file): [string, (place: Place, session: Name) => unknown] => [
    `edit ${file}`,
    (place, session) => write(place, session, file, false),
  ]),
  ['ignored file', (place, session) => write(place, session, 'x.log', true)],
  ['git rm', ({ ledger }, session) => ledger.git(['rm', '-qf', 'a.txt'], ledger.worktree(session))],
  ['git add', ({ ledger }, session) => ledger.git(['add', '-A'], ledger.worktree(session))],
  ['git commit', commit],
  ['git commit inside', commitInside],
  [
    'git switch --detach',
    ({ ledger }, session) => ledger.git(['switch', '-q', '--detach'], ledger.worktree(session)),
  ],
];

const ACCIDENTS: readonly [string, (place: Place, session: Name) => unknown][] = [
  ['rm worktree', (place, session) => remove('.para/worktrees', session)(place)],
  ['rm .git file', (place, session) => remove('.para/worktrees', session, '.git')(place)],
  ['rm admin directory', (place, session) => remove('.git/worktrees', session)(place)],
  [
    'mv worktree',
    ({ ledger }, session) => renameSync(ledger.worktree(session), `${ledger.worktree(session)}-moved`),
  ],
  ['rm branch', ({ ledger }, session) => ledger.git(['update-ref', '-d', `refs/heads/para/${session}`])],
  ['rm record', (place, session) => remove('.para/state', `${session}.state`)(place)],
  [
    'cut record',
    ({ world }, session) =>
      writeFileSync(join(world.repo.root, `.para/state/${session}.state`), '{"schema":1,'),
  ],
  ['rm out', (place, session) => remove('.para/state/docker', session, 'out')(place)],
  [
    'rm container',
    ({ world }, session) => {
      for (const { id, name } of Object.values(world.engine.containers))
        if (name === world.container(session)) Reflect.deleteProperty(world.engine.containers, id);
    },
  ],
  [
    'stop container',
    ({ world }, session) => {
      for (const it of Object.values(world.engine.containers))
        if (it.name === world.container(session)) it.state = 'exited';
    },
  ],
];

const SHARED: readonly [string, (place: Place) => unknown][] = [
  ['rm .para/state', remove('.para/state')],
  [
    'rm network',
    ({ world }) => {
      // No engine removes one that a running container has.
      for (const it of Object.values(world.engine.containers)) it.state = 'exited';
      for (const name of Object.keys(world.engine.networks))
        Reflect.deleteProperty(world.engine.networks, name);
    },
  ],
  [
    'git merge para/a',
    async ({ ledger }) => {
      await ledger.git(['merge', '-q', '--no-edit', 'para/a']).catch(() => ledger.git(['merge', '--abort']));
    },
  ],
  [
    'git gc',
    async ({ ledger }) => {
      await ledger.git(['reflog', 'expire', '--expire=now', '--all']);
      await ledger.git(['gc', '-q', '--prune=now']);
    },
  ],
];

const name = fc.constantFrom(...NAMES);
const BOX = ['--docker', '--image', 'busybox'];
const verbs = (session: Name): readonly (readonly string[])[] => [
  ['start', session],
  ['start', session, ...BOX],
  ['docker', 'start', session],
  ['docker', 'start', session, '--image', 'busybox'],
  ['docker', 'stop', session],
  ['docker', 'stop', session, '--remove'],
  ['docker', 'sync', session],
  ['docker', 'exec', session, '--', 'true'],
  ['finish', 'Done', session],
  ['finish', 'Done', session, '-b', `mine-${session}`],
  ['finish', 'Done', session, '--archive-ignored'],
  ['cancel', session],
  ['cancel', session, '--archive-ignored'],
  ['cancel', session, '--force'],
  ['recover', session],
  ['recover', session],
  ['recover', session, '--at', '2026'],
  ['clean'],
  ['docker', 'cleanup', '-f'],
  ['list', '--all'],
];

const engineFault: fc.Arbitrary<EngineFault> = fc.record({
  nth: fc.integer({ min: 1, max: 6 }),
  do: fc.constantFrom('fail', 'late', 'lie', 'garbage', 'down'),
});
const how: fc.Arbitrary<How> = fc.oneof(
  { weight: 10, arbitrary: fc.constant({}) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 150 }).map((killAt) => ({ killAt })) },
  { weight: 3, arbitrary: engineFault.map((fault) => ({ fault })) },
);
const hours = fc.oneof(
  { weight: 8, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.constantFrom(0, -24, 24) },
);

const command = (args: fc.Arbitrary<readonly string[]>): fc.Arbitrary<Step> =>
  fc.tuple(args, how, hours).map((given) => new Command(...given));
const hand = (list: typeof WORK): fc.Arbitrary<Step> =>
  fc
    .tuple(fc.constantFrom(...list), name)
    .map(
      ([[what, work], session]) =>
        new Hand(`${what} in ${session}`, session, (place) => work(place, session)),
    );

/** How a repository looks when a sequence begins. */
export const BEGINNINGS = ['nothing', 'plain', 'boxed'] as const;
export type Beginning = (typeof BEGINNINGS)[number];

/** Makes it so. */
export async function begin(place: Place, beginning: Beginning): Promise<void> {
  if (beginning === 'nothing') return;
  await place.world.para(beginning === 'boxed' ? ['start', 'a', ...BOX] : ['start', 'a']);
  write(place, 'a', 'one', false);
  await (beginning === 'boxed' ? commitInside : commit)(place, 'a');
  write(place, 'a', 'two', false);
}

/** What the model knows then. */
export function modelOf(beginning: Beginning): Model {
  return { there: new Set(beginning === 'nothing' ? [] : ['a']) };
}

/** A sequence of at most 30 steps. */
export const sequences = fc.commands(
  [
    command(name.chain((session) => fc.constantFrom(...verbs(session)))),
    command(name.chain((session) => fc.constantFrom(...verbs(session)))),
    command(name.chain((session) => fc.constantFrom(...verbs(session)))),
    hand(WORK),
    hand(WORK),
    hand(ACCIDENTS),
    fc.constantFrom(...SHARED).map(([what, work]) => new Hand(what, undefined, work)),
  ],
  { maxCommands: 30, size: 'large' },
);

/** Makes git ignore `*.log`, as a repository would. */
export function ignoreLogs({ repo }: Inside): void {
  mkdirSync(join(repo.root, '.git/info'), { recursive: true });
  writeFileSync(join(repo.root, '.git/info/exclude'), '*.log\n');
}
