/** Before the first test: one directory below which all temporary files of this run are made. */
const { chmodSync, mkdtempSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

module.exports = () => {
  // The engines were brought up before, outside of it.
  process.env.PARA_BENCH_DIR ||= join(tmpdir(), 'para-bench');
  process.env.PARA_TEST_TMPDIR = process.env.TMPDIR ?? '';
  process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'para-run-'));
  // Engines of other users keep their own there, as in /tmp.
  chmodSync(process.env.TMPDIR, 0o1777);
};
