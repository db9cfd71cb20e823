/** The fault tests alone: `npm run test:fault`, the whole matrix with `-- --full`; other arguments are jest's. */
import { spawnSync } from 'node:child_process';

const given = process.argv.slice(2);
const jest = ['--selectProjects', 'fault', '--runInBand', ...given.filter((word) => word !== '--full')];
if (given.includes('--full')) process.env.PARA_FAULT_FULL = '1';
const { status } = spawnSync('npx', ['jest', ...jest], { stdio: 'inherit' });
process.exitCode = status ?? 1;
