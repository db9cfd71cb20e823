/** Jest's own order, but for the test that looks for what all the others left: it comes last. */
const { default: Sequencer } = require('@jest/test-sequencer');

const isLast = ({ path }) => path.endsWith('/zz-leftovers.test.ts');

module.exports = class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    return [...sorted.filter((test) => !isLast(test)), ...sorted.filter(isLast)];
  }
};
