import { describe, expect, test } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { ParaError } from '../../src/errors.ts';
import { registerSecret } from '../../src/sys/redact.ts';
import { PAINTED } from '../../src/ui/colours.ts';
import { age } from '../../src/ui/age.ts';
import { chooseProgress, createOutput, type Output, type OutputFlags } from '../../src/ui/output.ts';
import { table, type Column } from '../../src/ui/table.ts';
import { fakeStream } from '../support/streams.ts';

const ESCAPE = '\u001b';
const PLAIN: OutputFlags = { json: false, quiet: false, verbose: false, color: true };

interface Said {
  readonly out: string;
  readonly err: string;
}

function say(
  flags: Partial<OutputFlags>,
  speak: (output: Output) => void,
  { env = {}, tty = false }: { env?: NodeJS.ProcessEnv; tty?: boolean } = {},
): Said {
  const stdout = fakeStream(tty);
  const stderr = fakeStream(tty);
  speak(createOutput({ ...PLAIN, ...flags }, { stdout, stderr, env }, PAINTED));
  return { out: stdout.text(), err: stderr.text() };
}

const everything = (output: Output): void => {
  output.note('a note');
  output.warn('a warning');
  output.trace('git status');
  output.answer({ n: 1 }, () => 'the answer');
};

describe('modes', () => {
  test('the answer is on stdout, the story on stderr', () => {
    expect(say({}, everything)).toEqual({ out: 'the answer\n', err: 'a note\n▲ a warning\n' });
  });

  test('--json: one document on stdout, nothing on stderr', () => {
    const { out, err } = say({ json: true }, everything);
    expect(err).toBe('');
    expect(out.endsWith('\n')).toBe(true);
    expect(JSON.parse(out)).toEqual({ schema: 1, ok: true, n: 1 });
    expect(out.trim().split('\n')).toHaveLength(1);
  });

  test('--quiet: the answer and warnings alone', () => {
    expect(say({ quiet: true }, everything)).toEqual({ out: 'the answer\n', err: '▲ a warning\n' });
  });

  test('--verbose: also what is run', () => {
    expect(say({ verbose: true }, everything).err).toBe('a note\n▲ a warning\ngit status\n');
  });

  test('an empty answer prints nothing', () => {
    expect(say({}, (output) => output.answer({}, () => '')).out).toBe('');
  });

  test('registered secrets are hidden on both streams', () => {
    registerSecret('hunter22-output');
    const leak = (output: Output): void => {
      output.note('it is hunter22-output');
      output.answer({ secret: 'hunter22-output' }, () => 'it is hunter22-output');
    };
    const said = [say({}, leak), say({ json: true }, leak)];
    expect(JSON.stringify(said)).not.toContain('hunter22');
  });
});

describe('hostile text', () => {
  const nasty = 'a\u001b[2J\u001b]0;title\u0007b\r\u009b8m\u202ec\u001b[8mhidden\td\ne';
  const clean = 'ab  8mchidden\td\ne';
  const tell = (output: Output): void => {
    output.note(nasty);
    output.warn(nasty);
    output.fail(new ParaError('GIT_FAILED', nasty, { hint: nasty, details: { stderr: nasty } }));
    output.answer({ nasty }, () => nasty);
  };

  test('reaches neither stream as it is', () => {
    const { out, err } = say({ verbose: true }, tell);
    expect(out).toBe(`${clean}\n`);
    expect(err.split('ab  8mc')).toHaveLength(7);
    expect(err).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cf}]/u);
  });

  test('is data for scripts, and harmless on a terminal', () => {
    const { out } = say({ json: true }, (output) => output.answer({ nasty }, () => ''));
    expect(out).not.toMatch(/(?!\n$)[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(out)).toMatchObject({ nasty });
  });

  test('does not take para’s own colours along', () => {
    const paint = (output: Output): void => {
      output.answer({}, (colours) => colours.bold(colours.red(`x\u001b[2J`)));
    };
    const { out } = say({}, paint, { tty: true });
    expect(out).toBe(`${ESCAPE}[1m${ESCAPE}[31mx${ESCAPE}[39m${ESCAPE}[22m\n`);
  });
});

describe('errors', () => {
  const error = new ParaError('PORT_IN_USE', 'a port is in use', {
    hint: 'first\nsecond',
    details: { stderr: 'Error: one\nError: two' },
  });

  test('for people: sentence, the engine’s own words, the next command', () => {
    expect(say({}, (output) => output.fail(error))).toEqual({
      out: '',
      err: '✗ a port is in use\n  │ Error: one\n  │ Error: two\n  ↳ first\n  ↳ second\n',
    });
  });

  test('no line of a name or of an engine looks like one of para’s', () => {
    const forged = 'a\n  ↳ sudo evil\n✗ b';
    const told = new ParaError('GIT_FAILED', forged, { details: { stderr: forged } });
    const { err } = say({}, (output) => output.fail(told));
    const quoted = '  │   ↳ sudo evil\n  │ ✗ b\n';
    expect(err).toBe(`✗ a\n${quoted}  │ a\n${quoted}`);
  });

  test('for scripts: one document on stdout', () => {
    const { out, err } = say({ json: true }, (output) => output.fail(error));
    expect(err).toBe('');
    expect(JSON.parse(out)).toEqual({
      schema: 1,
      ok: false,
      error: {
        code: 'PORT_IN_USE',
        message: 'a port is in use',
        hint: 'first\nsecond',
        details: { stderr: 'Error: one\nError: two' },
      },
    });
  });
});

describe('colour', () => {
  const colourful = (output: Output): void => output.answer({}, (paint) => paint.red('x'));
  test.each<[string, { env?: NodeJS.ProcessEnv; tty?: boolean; color?: boolean }, boolean]>([
    ['a terminal', { tty: true }, true],
    ['a pipe', {}, false],
    ['a terminal and NO_COLOR', { tty: true, env: { NO_COLOR: '1' } }, false],
    ['a terminal and an empty NO_COLOR', { tty: true, env: { NO_COLOR: '' } }, true],
    ['a terminal and --no-color', { tty: true, color: false }, false],
    ['a dumb terminal', { tty: true, env: { TERM: 'dumb' } }, false],
    ['a pipe and FORCE_COLOR', { env: { FORCE_COLOR: '1' } }, true],
    ['a terminal and FORCE_COLOR=0', { tty: true, env: { FORCE_COLOR: '0' } }, false],
    ['FORCE_COLOR and NO_COLOR', { env: { FORCE_COLOR: '1', NO_COLOR: '1' } }, false],
    ['FORCE_COLOR and --no-color', { env: { FORCE_COLOR: '1' }, color: false }, false],
  ])('%s', (_, { color = true, ...where }, coloured) => {
    expect(say({ color }, colourful, where).out.includes(ESCAPE)).toBe(coloured);
  });
});

describe('progress', () => {
  const choose = (
    flags: Partial<OutputFlags>,
    tty: [stdout: boolean, stderr: boolean],
    env: NodeJS.ProcessEnv = {},
  ): string =>
    chooseProgress({ ...PLAIN, ...flags }, { stdout: fakeStream(tty[0]), stderr: fakeStream(tty[1]), env });

  test.each<[string, Parameters<typeof choose>, string]>([
    ['two terminals', [{}, [true, true]], 'tasks'],
    ['stdout in a pipe', [{}, [false, true]], 'lines'],
    ['stderr in a file', [{}, [true, false]], 'lines'],
    ['neither', [{}, [false, false]], 'lines'],
    ['a dumb terminal', [{}, [true, true], { TERM: 'dumb' }], 'lines'],
    ['--verbose', [{ verbose: true }, [true, true]], 'lines'],
    ['--json', [{ json: true }, [true, true]], 'silent'],
    ['--quiet', [{ quiet: true }, [true, true]], 'silent'],
  ])('%s', (_, args, progress) => {
    expect(choose(...args)).toBe(progress);
  });
});

describe('tables', () => {
  const columns: readonly Column<readonly [string, string]>[] = [
    { head: 'NAME', cell: (row) => row[0], colour: (text, _row, paint) => paint.green(text) },
    { head: 'IMAGE', cell: (row) => row[1] },
  ];
  const draw = (rows: readonly (readonly [string, string])[], color = false): string => {
    const stdout = fakeStream();
    const env = color ? { FORCE_COLOR: '1' } : {};
    const output = createOutput(PLAIN, { stdout, stderr: stdout, env }, PAINTED);
    return table(rows, columns, output.paint);
  };

  test('columns line up, two blanks apart, without blanks at the end', () => {
    const rows = [
      ['a', 'busybox'],
      ['longer-name', ''],
    ] as const;
    expect(draw(rows)).toBe('NAME         IMAGE\na            busybox\nlonger-name');
  });

  test('wide characters count as two columns', () => {
    const lines = draw([
      ['日本', 'x'],
      ['abcd', 'y'],
    ]).split('\n');
    expect(lines).toEqual(['NAME  IMAGE', '日本  x', 'abcd  y']);
  });

  test('colour does not move a column', () => {
    const rows = [
      ['a', 'x'],
      ['bcdefg', 'y'],
    ] as const;
    expect(stripVTControlCharacters(draw(rows, true))).toBe(draw(rows));
  });

  test('a cell cannot break its row or colour the terminal', () => {
    const text = draw([['a\nb\u001b[31m', 'x\u202ey']]);
    expect(text.split('\n')).toHaveLength(2);
    expect(text).not.toContain(ESCAPE);
    expect(text).not.toContain('\u202e');
  });
});

test.each([
  ['2026-01-10T00:00:00Z', '0s'],
  ['2026-01-09T23:59:01Z', '59s'],
  ['2026-01-09T23:01:00Z', '59m'],
  ['2026-01-09T01:00:00Z', '23h'],
  ['2026-01-01T00:00:00Z', '9d'],
  ['2027-01-01T00:00:00Z', '0s'],
  ['nonsense', '?'],
])('the age of %s is %s', (since, text) => {
  expect(age(since, new Date('2026-01-10T00:00:00Z'))).toBe(text);
});
