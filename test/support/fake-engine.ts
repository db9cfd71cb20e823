/** The fake engine of fixtures/bin, as a test uses it: an environment, its log, its state. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { EngineName } from '../../src/docker/driver.ts';

/** What happens to a call instead of what was asked; see fixtures/bin/fake-engine.mjs. */
export interface Fault {
  readonly verb: string;
  readonly nth?: number;
  readonly from?: number;
  readonly do: 'delay' | 'hang' | 'fail' | 'lie' | 'garbage' | 'kill' | 'half' | 'noise' | 'extra' | 'bytes';
  readonly after?: boolean;
  readonly ms?: number;
  readonly exitCode?: number;
  readonly stderr?: string;
}

export interface FakeContainer {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface FakeEngine {
  /** PATH with the fake first, and where it keeps its things. */
  readonly env: Readonly<Record<string, string>>;
  /** Every call so far: the engine's name, then its arguments. */
  readonly calls: () => readonly (readonly string[])[];
  readonly containers: () => readonly FakeContainer[];
  readonly networks: () => readonly string[];
  readonly remove: () => void;
}

const BIN = join(import.meta.dirname, '../../fixtures/bin');

/** An engine of its own for one test. */
export function fakeEngine(options: { faults?: readonly Fault[]; rootless?: boolean } = {}): FakeEngine {
  const dir = mkdtempSync(join(tmpdir(), 'para-fake-'));
  const state = join(dir, 'state.json');
  const log = join(dir, 'log');
  const read = (): { containers: Record<string, FakeContainer>; networks: Record<string, unknown> } =>
    JSON.parse(readOr(state, '{"containers":{},"networks":{}}')) as ReturnType<typeof read>;
  return {
    env: {
      PATH: [BIN, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
      FAKE_ENGINE_NODE: process.execPath,
      FAKE_ENGINE_STATE: state,
      FAKE_ENGINE_LOG: log,
      FAKE_ENGINE_FAULTS: JSON.stringify(options.faults ?? []),
      FAKE_ENGINE_ROOTLESS: options.rootless === true ? '1' : '0',
    },
    calls: () =>
      readOr(log, '')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { engine: EngineName; argv: string[] })
        .map(({ engine, argv }) => [engine, ...argv]),
    containers: () => Object.values(read().containers),
    networks: () => Object.keys(read().networks),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function readOr(file: string, fallback: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return fallback;
  }
}
