/** One swc transform for all; the projects are the levels of CONTRIBUTING.md. */
const swc = (tsx) => [
  '@swc/jest',
  {
    jsc: {
      parser: { syntax: 'typescript', tsx },
      transform: { react: { runtime: 'automatic' } },
      target: 'es2022',
      experimental: { keepImportAttributes: true },
    },
    module: { type: 'es6' },
  },
];
const base = {
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/run-setup.cjs',
  globalTeardown: '<rootDir>/test/support/run-teardown.cjs',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  transform: { '^.+\\.ts$': swc(false), '^.+\\.tsx$': swc(true) },
};
const level = (displayName, testMatch, extra = {}) => ({ ...base, displayName, testMatch, ...extra });

export default {
  projects: [
    level('unit', ['<rootDir>/test/{sys,proxy,docker,git,config,pipeline,sessions,ui,schemas}/**/*.test.ts']),
    level('command', ['<rootDir>/test/cli/**/*.test.ts']),
    level('contract', ['<rootDir>/test/contract/**/*.test.ts']),
    level('fault', ['<rootDir>/test/fault/**/*.test.ts']),
    level('property', ['<rootDir>/test/property/**/*.test.ts']),
    level('attack', ['<rootDir>/test/attack/**/*.test.ts']),
    level('e2e', ['<rootDir>/test/e2e/**/*.test.ts']),
  ],
  testTimeout: 120_000,
  // Starting a process costs a fork: 2 ms from a small one, 40 ms from one that has grown to a gigabyte.
  workerIdleMemoryLimit: '200MB',
  testSequencer: '<rootDir>/test/support/sequencer.cjs',
  reporters: [
    'default',
    '<rootDir>/test/support/fault-reporter.cjs',
    '<rootDir>/test/support/summary-reporter.cjs',
  ],
};
