/**
 * The fault tests alone: `npm run test:fault`, the whole matrix with `-- --full`; other arguments are jest's. Those on
 * the fake engine share nothing and run side by side, those on real engines one after the other; one table for both. The
 * matrices of the queue and of health are end-to-end tests, which are small otherwise: with `--full` they come last.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import FaultReporter from '../test/support/fault-reporter.cjs';

const PARTS = [
  ['fault', '--testPathIgnorePatterns', 'engines\\.test\\.ts$', '--maxWorkers', '100%'],
  ['fault', '--testPathPatterns', 'engines\\.test\\.ts$', '--maxWorkers=1'],
];
const MATRICES = ['e2e', '--testPathPatterns', 'e2e/(queue|health)\\.test\\.ts$', '--maxWorkers=1'];

const given = process.argv.slice(2);
const rest = given.filter((word) => word !== '--full');
const isFull = given.includes('--full');
if (isFull) process.env.PARA_FAULT_FULL = '1';
// A choice of tests is jest's own business.
const isChosen = rest.some((word) => !word.startsWith('-'));
const parts = isChosen ? [['fault', '--maxWorkers=1']] : [...PARTS, ...(isFull ? [MATRICES] : [])];
const dir = mkdtempSync(join(tmpdir(), 'para-fault-'));
const cases = join(dir, 'cases');
writeFileSync(cases, '');
process.env.PARA_FAULT_CASES = cases;
for (const [project, ...part] of parts) {
  const { status } = spawnSync('npx', ['jest', '--selectProjects', project, ...part, ...rest], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
process.stderr.write(FaultReporter.table(cases));
rmSync(dir, { recursive: true });
