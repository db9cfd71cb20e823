/** A34: engines and runtimes with known ways out are named, mended ones are not. */
import { expect, test } from '@jest/globals';
import type { Capabilities } from '../../src/docker/driver.ts';
import { knownHoles } from '../../src/docker/known-holes.ts';

const CAN = { runtime: 'runc', runtimeVersion: '1.3.3', serverVersion: '28.5.2' } as Capabilities;
const runc = (runtimeVersion: string): number => knownHoles('docker', { ...CAN, runtimeVersion }).length;
const dockerd = (serverVersion: string): readonly string[] => knownHoles('docker', { ...CAN, serverVersion });

test('runc, in each of its lines', () => {
  expect(['1.0.0', '1.1.5', '1.1.11'].map(runc)).toEqual([2, 2, 2]);
  expect(['1.1.12', '1.1.15', '1.2.7', '1.3.0', '1.3.2'].map(runc)).toEqual([1, 1, 1, 1, 1]);
  expect(['1.2.8', '1.2.9', '1.3.3', '1.4.0', '2.0.0', ''].map(runc)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(knownHoles('podman', { ...CAN, runtime: 'crun', runtimeVersion: '1.0.0' })).toEqual([]);
});

test('dockerd, in each of its lines; podman has versions of its own', () => {
  expect(dockerd('20.10.24')).toEqual(['docker 20.10.24 is known for CVE-2024-29018']);
  for (const version of ['23.0.10', '24.0.9', '25.0.4']) expect(dockerd(version)).toHaveLength(1);
  for (const version of ['23.0.11', '25.0.5', '26.0.0', '28.5.2']) expect(dockerd(version)).toEqual([]);
  expect(knownHoles('podman', { ...CAN, serverVersion: '4.3.1' })).toEqual([]);
});

test('Docker Desktop, by the version of the program around the engine', () => {
  const desktop = (version: string): readonly string[] => knownHoles('docker', CAN, version);
  expect(desktop('4.43.2')).toEqual(['Docker Desktop 4.43.2 is known for CVE-2025-9074']);
  for (const version of ['4.25.0', '4.30', '4.44.2']) expect(desktop(version)).toHaveLength(1);
  for (const version of ['4.24.2', '4.44.3', '4.45.0', '5.0.0', '']) expect(desktop(version)).toEqual([]);
});
