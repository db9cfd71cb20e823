/**
 * Jest's own order, but for two things: the longest come first, since a worker that is left alone with one of them is
 * waited for; and the tests that look at what all the others did and left come last.
 */
const { default: Sequencer } = require('@jest/test-sequencer');

const LONGEST = [
  'fault/kill.test.ts',
  'fault/model.test.ts',
  'fault/by-hand.test.ts',
  'fault/signal.test.ts',
];

function turn({ path }) {
  if (path.endsWith('/zz-leftovers.test.ts')) return LONGEST.length + 2;
  if (path.endsWith('/zz-table.test.ts')) return LONGEST.length + 1;
  const nth = LONGEST.findIndex((one) => path.endsWith(`/${one}`));
  return nth === -1 ? LONGEST.length : nth;
}

module.exports = class extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((one, other) => turn(one) - turn(other));
  }
};
