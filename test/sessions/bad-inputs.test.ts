/** Inputs that are wrong, made by hand (fixtures/invalid): each is refused with its code, its reason and a way on. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCpus } from '../../src/cli/container-flags.ts';
import { parseSize } from '../../src/config/size.ts';
import { readContainers } from '../../src/docker/inspect.ts';
import { parseImageReference } from '../../src/docker/image-ref.ts';
import { parseVolume } from '../../src/docker/mounts.ts';
import { parseEnv, parsePort } from '../../src/docker/publish.ts';
import { ParaError } from '../../src/errors.ts';
import { checkBranchName } from '../../src/git/refs.ts';
import { openRepository } from '../../src/git/repository.ts';
import { parseSessionName } from '../../src/sessions/name.ts';
import { readStatus } from '../../src/sessions/status-file.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

const ROOT = join(import.meta.dirname, '../../fixtures/invalid');

interface Repeated {
  readonly before: string;
  readonly repeat: string;
  readonly times: number;
  readonly after: string;
}
interface Row {
  readonly what: string;
  readonly input: string | Repeated | readonly [string, string];
  readonly code: string;
  readonly says: string;
}

const rows = (kind: string): readonly (readonly [string, Row])[] =>
  (JSON.parse(readFileSync(join(ROOT, `${kind}.json`), 'utf8')) as Row[]).map((row) => [row.what, row]);

function textOf({ input }: Row): string {
  if (typeof input === 'string') return input;
  return 'repeat' in input ? input.before + input.repeat.repeat(input.times) + input.after : input[1];
}

/** Refused as the row has it, and never without a way on. */
async function isRefused({ code, says }: Row, work: () => unknown): Promise<void> {
  const error = await Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  if (!(error instanceof ParaError)) throw new Error('it was taken, or failed otherwise', { cause: error });
  expect(error.message).toContain(says);
  expect(error).toMatchObject({ code, hint: expect.stringMatching(/\S/) as unknown });
}

let repo: TempRepo;
let dir: string;
beforeAll(() => {
  repo = tempRepo();
  dir = mkdtempSync(join(tmpdir(), 'para-bad-'));
});
afterAll(() => {
  repo.remove();
  rmSync(dir, { recursive: true });
});

test('there are many, in a file for each kind', () => {
  const kinds = readdirSync(ROOT).map((name) => name.replace('.json', ''));
  expect(kinds.sort()).toEqual(['branches', 'engine-output', 'flags', 'images', 'session-names', 'status']);
  expect(kinds.flatMap(rows).length).toBeGreaterThanOrEqual(120);
});

describe('session names', () => {
  test.each(rows('session-names'))('%s', async (_what, row) => {
    await isRefused(row, () => parseSessionName(textOf(row)));
  });
});

describe('images', () => {
  test.each(rows('images'))('%s', async (_what, row) => {
    await isRefused(row, () => parseImageReference(textOf(row)));
  });
});

describe('branches', () => {
  test.each(rows('branches'))('%s', async (_what, row) => {
    const opened = await openRepository(repo.git, repo.root);
    await isRefused(row, () => checkBranchName(opened, textOf(row)));
  });
});

describe('what engines print', () => {
  test.each(rows('engine-output'))('%s', async (_what, row) => {
    await isRefused(row, () => readContainers(textOf(row), { engine: 'docker', command: 'inspect' }));
  });
});

describe('what is typed', () => {
  const READ: Readonly<Record<string, (text: string) => unknown>> = {
    port: parsePort,
    env: parseEnv,
    volume: parseVolume,
    size: parseSize,
    cpus: parseCpus,
  };
  test.each(rows('flags'))('%s', async (_what, row) => {
    const [kind] = row.input as readonly [string, string];
    await isRefused(row, () => READ[kind]?.(textOf(row)));
  });
});

describe('status files', () => {
  test.each(rows('status'))('%s', async (_what, row) => {
    const state = mkdtempSync(join(dir, 'state-'));
    mkdirSync(join(state, 'out'));
    writeFileSync(join(state, 'out/status.json'), textOf(row));
    const { status, defect } = await readStatus(state);
    expect(status).toBeUndefined();
    expect(defect).toContain(row.says);
  });
});
