/** The program that tries a closed network (check.ts): `node check.cjs '{…}'`; without an argument it waits to be ended. */
import { find, type Trial } from './check.ts';

const [, , trial] = process.argv;
if (trial === undefined) setInterval(() => undefined, 60_000);
else
  void find(JSON.parse(trial) as Trial).then((finding) => {
    process.stdout.write(`${JSON.stringify(finding)}\n`, () => process.exit(0));
  });
