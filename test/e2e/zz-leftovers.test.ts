/** Runs last: no test of this run has left a container, network, volume, process, mount or temporary file. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { testEngines, type TestEngine } from '../support/engines.ts';
import { NOT_LEFT, notedLabels, runDirectory } from '../support/run-dir.ts';

/** The engine's lines about things that carry one of this run's labels. */
function labelled({ engine, env, prefix }: TestEngine, list: readonly string[]): readonly string[] {
  const format = list[0] === 'ps' ? '{{.Names}}' : '{{.Name}}';
  const lines = (label: string): readonly string[] => {
    const all = [...prefix, engine, ...list, '--filter', `label=${label}`, '--format', format];
    const ended = spawnSync(all[0]!, all.slice(1), {
      cwd: '/',
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...env },
    });
    if (ended.status !== 0) throw new Error(`${all.join(' ')}: ${ended.stderr}`);
    return ended.stdout.split('\n').filter((line) => line !== '');
  };
  return notedLabels().flatMap(lines);
}

/** Processes that run something of this run's, or in its directory. */
function processes(): readonly string[] {
  const directory = runDirectory();
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const cwd = readlinkSync(`/proc/${pid}/cwd`);
        return `${command} ${cwd}`.includes(directory) ? [`${pid}: ${command}`] : [];
      } catch {
        return []; // it has ended
      }
    });
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (_id, engine) => {
  test.each([
    ['containers', ['ps', '-a']],
    ['networks', ['network', 'ls']],
    ['volumes', ['volume', 'ls']],
  ])('no %s are left', (_what, list) => {
    expect(labelled(engine, list)).toEqual([]);
  });
});

test('no process is left', () => {
  expect(processes()).toEqual([]);
});

test('no mount is left', () => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  expect(mounts.filter((line) => line.includes(runDirectory()))).toEqual([]);
});

test('no temporary file is left', () => {
  expect(readdirSync(runDirectory()).filter((name) => !NOT_LEFT.includes(name))).toEqual([]);
});
