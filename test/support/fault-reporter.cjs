/** Prints the fault matrix of a run: row, cases, passed. What is counted: test/fault/cases.ts. */
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const TITLES = {
  F1: 'para killed at a step',
  F2: 'para told to end at a step',
  F3: 'daemon killed during a call',
  F4: 'engine hangs',
  F5: 'engine lies',
  F6: 'disk full',
  F7: 'read-only places',
  F8: 'state file damaged',
  F9: 'clock wrong',
  F10: 'two at once on one session',
  F11: 'fifty at once',
  F12: 'locks of git held',
  F13: 'things removed by hand',
  F14: 'things moved',
  F15: 'reboot',
  F16: 'late container, orphan of the engine',
  model: 'random sequences',
};

/** The table of the cases in a file. */
function table(file) {
  const cases = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text));
  const lines = Object.entries(TITLES).flatMap(([row, title]) => {
    const of = cases.filter((one) => one.row === row);
    return of.length === 0 ? [] : [line(row, title, of)];
  });
  return `\n${[line('row', 'fault', undefined), ...lines, line('', 'all', cases)].join('')}\n`;
}

function line(row, title, cases) {
  const counts =
    cases === undefined ? ['cases', 'passed'] : [cases.length, cases.filter((one) => one.passed).length];
  return `${row.padEnd(6)}${title.padEnd(38)}${counts.map((text) => String(text).padStart(7)).join('')}\n`;
}

/** Of a run that is not part of a larger one (scripts/test-fault.mjs). */
module.exports = class FaultReporter {
  static table = table;

  onRunComplete() {
    const file = join(process.env.TMPDIR ?? '', 'fault-cases');
    if (existsSync(file)) process.stderr.write(table(file));
  }
};
