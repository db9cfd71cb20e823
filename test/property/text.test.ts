import { expect } from '@jest/globals';
import fc from 'fast-check';
import { checkConfig } from '../../src/config/check.ts';
import { parseJsonc } from '../../src/config/jsonc.ts';
import { parseSessionDocker } from '../../src/config/load.ts';
import {
  checkSessionRecord,
  checkStatusFile,
  isAgentRecord,
  isApprovalFile,
  isCommandsFile,
  isHealthFile,
  isMetricsFile,
  isRegistryFile,
} from '../../src/config/records.ts';
import { reader, readRecords } from '../../src/docker/parse.ts';
import { ParaError } from '../../src/errors.ts';
import { cleanLines, display } from '../../src/ui/display.ts';
import { detailLines } from '../../src/ui/monitor/detail.ts';
import { PAINTED } from '../../src/ui/colours.ts';
import { createOutput } from '../../src/ui/output.ts';
import { table } from '../../src/ui/table.ts';
import { overviewRow } from '../support/overview.ts';
import { fakeStream } from '../support/streams.ts';
import { fuzz } from './fuzz.ts';
import { damaged, nastyJson, nastyText, SETTINGS } from './inputs.ts';

/** Nothing, or a refusal that names the file and the way on. Anything else is a bug. */
function refusal(work: () => unknown): ParaError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof ParaError) return error;
    throw error;
  }
}

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 256 }).map((bytes) => Buffer.from(bytes)),
  nastyText.map((text) => Buffer.from(text)),
  nastyJson.map((value) => Buffer.from(JSON.stringify(value))),
  damaged(SETTINGS),
);

fuzz('P1', 'any bytes are a value or a refusal with path and hint', anyBytes, (bytes) => {
  const readers: readonly (() => unknown)[] = [
    () => checkConfig('x/config.json', parseJsonc('x/config.json', bytes)),
    () => parseSessionDocker('x/docker.json', bytes),
  ];
  for (const read of readers) {
    const error = refusal(read);
    if (error === undefined) continue;
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toMatch(/^x\/(config|docker)\.json:/);
    expect(error.hint).toMatch(/para config (schema|path)/);
  }
  let value: unknown;
  if (refusal(() => (value = parseJsonc('x', bytes))) !== undefined) return false;
  for (const check of [
    isAgentRecord,
    isApprovalFile,
    isCommandsFile,
    isHealthFile,
    isMetricsFile,
    isRegistryFile,
  ])
    expect(typeof check(value)).toBe('boolean');
  for (const check of [checkSessionRecord, checkStatusFile])
    expect(['string', 'undefined']).toContain(typeof check(value));
  return true;
});

const INHERITED = ['__proto__', 'constructor', 'prototype'];

/** True for what no settings file may hold. */
function isForbidden(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0') || Buffer.byteLength(value) > 16 * 1024;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, child]) => INHERITED.includes(key) || isForbidden(key) || isForbidden(child),
  );
}

fuzz('P2', 'what is printed is read as it was', nastyJson, (value) => {
  const text = JSON.stringify(value);
  let back: unknown;
  const error = refusal(() => (back = parseJsonc('x', Buffer.from(text))));
  expect(error !== undefined).toBe(isForbidden(value));
  if (error === undefined) expect(JSON.stringify(back)).toBe(text);
  return error === undefined;
});

const HIDDEN =
  /[\p{Cc}\p{Cs}\p{Bidi_Control}\u00ad\u200b-\u200f\u2028\u2029\u2060-\u206f\u3164\ufeff\u{e0000}-\u{e0fff}]/u;
// eslint-disable-next-line no-control-regex -- what must not be there but for line ends and tabs
const MOVES = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]/;

fuzz(
  'P4',
  'shown text is clean, stays so, and is as short as asked',
  fc.tuple(nastyText, fc.nat({ max: 80 })),
  ([text, max]) => {
    const width = max + 1;
    const shown = display(text, width);
    expect(shown).not.toMatch(HIDDEN);
    expect(shown.length).toBeLessThanOrEqual(width);
    expect(display(shown, width)).toBe(shown);
    const lines = cleanLines(text);
    expect(lines).not.toMatch(MOVES);
    expect(cleanLines(lines)).toBe(lines);
    return true;
  },
);

/** All that para says of a text that somebody else has made, in a pipe. */
function said(text: string, json: boolean): string {
  const [stdout, stderr] = [fakeStream(), fakeStream()];
  const output = createOutput(
    { json, quiet: false, verbose: true, color: true },
    { stdout, stderr, env: {} },
    PAINTED,
  );
  output.note(text);
  output.warn(text);
  output.trace(text);
  output.answer({ text }, (paint) => table([text], [{ head: 'HEAD', cell: (row) => row }], paint));
  output.answer({ text }, () => text);
  output.fail(new ParaError('COMMAND_FAILED', text, { hint: text, details: { stderr: text } }));
  const row = overviewRow(text, { status: text, settle: text, defect: text });
  const pane = detailLines(row, [text], { width: 60, height: 12, now: new Date(0) });
  return stdout.text() + stderr.text() + pane.map((line) => line.text).join('\n');
}

fuzz('P11', 'nothing that is said holds what a terminal would obey', nastyText, (text) => {
  for (const json of [false, true]) expect(said(text, json).replace(/[\n\t]/g, '')).not.toMatch(HIDDEN);
  return true;
});

const OWN = Object.getOwnPropertyNames(Object.prototype).sort();
const hostileKeys = fc
  .array(
    fc.tuple(fc.constantFrom('__proto__', 'constructor', 'prototype', 'Labels', 'polluted'), nastyJson),
    {
      maxLength: 5,
    },
  )
  .map((entries) => JSON.stringify(Object.fromEntries(entries)));

fuzz('P8', 'nothing that is read changes what objects inherit', hostileKeys, (text) => {
  refusal(() => checkConfig('x', parseJsonc('x', Buffer.from(text))));
  refusal(() => parseSessionDocker('x', Buffer.from(text)));
  const source = { engine: 'docker', command: 'ps' } as const;
  refusal(() => {
    for (const record of readRecords(text, source)) reader(record, source).strings('Labels');
  });
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(OWN);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  return true;
});
