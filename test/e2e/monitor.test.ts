/** The live view on a real terminal: what it shows, what is done from it, and what it leaves of the terminal. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { makeWorld, repoId, type World } from '../support/para.ts';
import { Screen } from '../support/screen.ts';

// What differs between engines is held by the tests of the commands; this is about the terminal.
const [engine] = testEngines();

describe('monitor', () => {
  let world: World;
  let repo: string;
  let screen: Screen;
  const HEADS = /SESSION .*PHASE .*PROGRESS/;

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    const image = testImages().busybox;
    expect(await world.para(repo, ['start', 'box', '--docker', '--image', image])).toMatchObject({ code: 0 });
    expect(await world.para(repo, ['start', 'plain'])).toMatchObject({ code: 0 });
    const say = ['para-status', '--phase', 'testing', '--progress', '5/8', '--message', 'Runs the tests'];
    expect(await world.para(repo, ['docker', 'exec', 'box', '--', ...say])).toMatchObject({ code: 0 });
    screen = await Screen.open(world, repo);
  });
  afterAll(async () => {
    await screen.close();
    await world.remove();
  });
  const back = (): Promise<string> => screen.until(/▸ box/);

  test('para alone shows it, on the whole screen, and in its new size after a resize', async () => {
    await screen.line('echo before; para');
    const text = await screen.until(/▸ box .* running +.*testing +█{5}░{3} +62%[^]*says: Runs the tests/);
    expect(text).toMatch(HEADS);
    expect(text).not.toContain('before');
    expect(await screen.modes()).toEqual({ whole: true, cursor: false });
    await screen.resize(200, 50);
    // All but the lowest line, and each of them once.
    const whole = (rows: number): RegExp =>
      new RegExp(
        `^para [^]*\n {2}${HEADS.source}[^\n]*\n(?:(?!.*PHASE).*\n){${String(rows - 4)}}\\? help.*\n`,
      );
    expect(await screen.until(whole(50))).toMatch(/▸ box +.*para\/box .*running/);
    await screen.resize(80, 24);
    await screen.until(whole(24));
  });

  test('a filter, the keys, and a change of the world', async () => {
    await screen.type('/pla');
    expect(await screen.until(/▸ plain/)).not.toMatch(/^ *▸? *box/m);
    await screen.keys('Enter', 'Escape');
    await screen.until(/^ {2}box[^]*▸ plain/m);
    await screen.type('k?');
    await screen.until(/Any key goes back/);
    await screen.type('x');
    await back();
    expect(
      await world.para(repo, ['docker', 'exec', 'box', '--', 'para-status', '--phase', 'review']),
    ).toMatchObject({ code: 0 });
    await screen.until(/▸ box .*review/);
  });

  test('attach, and back; nothing that is typed there gets lost', async () => {
    await screen.keys('Enter');
    await screen.until(/[$#] *$/m);
    expect((await screen.modes()).cursor).toBe(true);
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    for (const letter of letters) await screen.type(letter);
    await screen.keys('C-u');
    for (const part of ['echo ', 'one-', '$((40+2))', '-two']) await screen.type(part);
    await screen.keys('Enter');
    await screen.until(/^one-42-two$/m);
    await screen.line('exit');
    await back();
    expect(await screen.modes()).toEqual({ whole: true, cursor: false });
  });

  test('a command, its output, a key; Ctrl-C ends the logs and not the view', async () => {
    await screen.type('eecho in-$((40+2))');
    await screen.until(/Run in the container of box: echo in-/);
    await screen.keys('Enter');
    expect(await screen.until(/in-42\n[^]*Press any key/)).toContain('para docker exec box');
    await screen.type(' ');
    await back();
    await screen.type('l');
    await screen.until(/para docker logs box/);
    await screen.keys('C-c');
    await screen.until(/Press any key/);
    await screen.type(' ');
    await back();
  });

  test('a container that died is put back up while somebody watches', async () => {
    await world.engine('kill', `para-${repoId(repo)}-box`);
    await screen.until(/▸ box .* running[^]*box: [^\n]*exit code 137/);
  });

  test('what destroys asks first; what was done shows', async () => {
    await screen.type('c');
    await screen.until(/Cancel box: archive all its work, remove container, worktree and branch\? y\/N/);
    await screen.type('n');
    await screen.until(/Nothing was done/);
    await screen.type('sy');
    await screen.until(/Press any key/);
    await screen.type(' ');
    await screen.until(/▸ box .*exited/);
    await screen.type('j');
    await screen.until(/▸ plain/);
    await screen.type('cy');
    await screen.until(/Press any key/);
    await screen.type(' ');
    expect(await screen.until(/1 sessions/)).not.toContain('plain');
  });

  test('Ctrl-Z and fg, and q: the terminal is as it was', async () => {
    await screen.keys('C-z');
    await screen.until(/Stopped|before/);
    await screen.line('echo at-the-$((1))-shell');
    await screen.until(/^at-the-1-shell$/m);
    await screen.line('fg');
    await back();
    await screen.type('q');
    await screen.until(/\n\$\s*$/);
    await screen.line('echo code-$?; stty -a | grep -o "[- ]icanon"');
    await screen.until(/^code-0\n icanon$/m);
    expect(await screen.modes()).toEqual({ whole: false, cursor: true });
  });

  test.each([
    ['TERM', 143],
    ['HUP', 129],
  ])('ended by SIG%s it gives the terminal back', async (signal, code) => {
    const run = 'echo $$ >"$0"; exec "$@"';
    const pidFile = `${world.dir}/work/pid`;
    await screen.line(
      `clear; a=$(stty -g); sh -c '${run}' '${pidFile}' '${process.execPath}' '${world.binary}' monitor; echo code-$?`,
    );
    await back();
    process.kill(Number(readFileSync(pidFile, 'utf8')), `SIG${signal}`);
    await screen.until(new RegExp(`^code-${String(code)}$`, 'm'));
    await screen.line('test "$a" = "$(stty -g)" && echo as-$((1))-before');
    await screen.until(/^as-1-before$/m);
    expect(await screen.modes()).toEqual({ whole: false, cursor: true });
  });

  test('without a terminal it says what there is instead', async () => {
    const ended = await world.para(repo, ['monitor']);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('para monitor --once');
  });

  test('--json: a document now, and one for each change, until it is told to end', async () => {
    const running = world.start([process.execPath, world.binary, 'monitor', '--json'], { cwd: repo });
    const documents: string[] = [];
    const second = new Promise<void>((resolve) => {
      running.child.stdout?.on('data', (chunk: Buffer) => {
        documents.push(...chunk.toString().split('\n').filter(Boolean));
        if (documents.length === 1) void world.para(repo, ['status', 'Something new', '--session', 'box']);
        if (documents.length === 2) resolve();
      });
    });
    await second;
    running.child.kill('SIGTERM');
    await running.ended;
    expect(JSON.parse(documents[0]!)).toMatchObject({ ok: true, sessions: [{ name: 'box' }] });
    expect(JSON.parse(documents[1]!)).toMatchObject({ sessions: [{ says: { task: 'Something new' } }] });
  });
});
