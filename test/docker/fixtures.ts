/** The recorded engines, as the tests of this folder read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { docker } from '../../src/docker/drivers/docker.ts';
import { podman } from '../../src/docker/drivers/podman.ts';
import type { EngineDriver } from '../../src/docker/driver.ts';

const ROOT = join(import.meta.dirname, '../../fixtures/engines');

/** Folder names: one per engine and version. */
export const ENGINES = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

export function driverFor(engine: string): EngineDriver {
  return engine.startsWith('docker') ? docker : podman;
}

export function fixture(engine: string, name: string): string {
  return readFileSync(join(ROOT, engine, name), 'utf8');
}

export function situations(engine: string): string[] {
  return readdirSync(join(ROOT, engine)).filter((name) => name.startsWith('inspect-'));
}

export interface FailureRow {
  readonly engine: string;
  readonly id: string;
  readonly argv: readonly string[];
  readonly rc: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly expected: string | null;
}

export function failures(): readonly FailureRow[] {
  return JSON.parse(readFileSync(join(ROOT, 'failures.json'), 'utf8')) as FailureRow[];
}
