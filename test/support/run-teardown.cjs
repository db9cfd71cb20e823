/** After the last test: takes the run's directory away (see run-setup.cjs). */
const { rmSync } = require('node:fs');

module.exports = () => {
  rmSync(process.env.TMPDIR, { recursive: true, force: true });
  process.env.TMPDIR = process.env.PARA_TEST_TMPDIR;
};
