// The real engines that scripts/engines.sh brought up, as its bench.json describes them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TestEngine {
  id: 'docker' | 'podman' | 'rootless';
  engine: 'docker' | 'podman';
  /** To be set on top of the test's own environment. */
  env: Record<string, string>;
  /** Put before a command line to run it as the engine's user. */
  prefix: string[];
  user: string;
  uid: number;
  gid: number;
}

type Entry = Omit<TestEngine, 'id' | 'engine'>;

interface Bench {
  docker?: Entry;
  podman?: Entry;
  rootless?: Entry;
  registry?: { host: string; image: string };
  images: { base: string; busybox: string };
}

/** Where scripts/engines.sh keeps what it has made. */
export function benchDir(): string {
  const tmp = (process.env['TMPDIR'] || '/tmp').replace(/\/$/, '');
  return process.env['PARA_BENCH_DIR'] || join(tmp, 'para-bench');
}

function bench(dir = benchDir()): Bench {
  const file = join(dir, 'bench.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error('The test engines are not up. Run: scripts/engines.sh up', { cause });
  }
  return JSON.parse(text) as Bench;
}

/** Every engine that is up, of those that were brought up in `dir`; at least one, or an error. */
export function testEngines(dir?: string): TestEngine[] {
  const all = bench(dir);
  const found = (['docker', 'podman', 'rootless'] as const).flatMap((id): TestEngine[] => {
    const entry = all[id];
    return entry ? [{ ...entry, id, engine: id === 'docker' ? 'docker' : 'podman' }] : [];
  });
  if (found.length === 0) throw new Error('No test engine is up. Run: scripts/engines.sh up');
  return found;
}

/** References that mean the same on every engine: `base` has git, `busybox` is small. */
export function testImages(): { base: string; busybox: string } {
  return bench().images;
}

/** The registry on loopback, with one image to pull. @public */
export function testRegistry(): { host: string; image: string } {
  const { registry } = bench();
  if (!registry) throw new Error('The test registry is not up. Run: scripts/engines.sh up registry');
  return registry;
}
