/** The options that every command takes. */
import { flagsOf } from './define.ts';

export const GLOBAL_OPTIONS = {
  json: { type: 'boolean', describe: 'Print one JSON document on stdout', global: true, default: false },
  quiet: {
    alias: 'q',
    type: 'boolean',
    describe: 'Say nothing but the answer',
    global: true,
    default: false,
  },
  verbose: {
    alias: 'v',
    type: 'boolean',
    describe: 'Show every process that is run',
    global: true,
    default: false,
  },
  engine: {
    choices: ['auto', 'docker', 'podman'],
    defaultDescription: 'from settings',
    describe: 'Container engine',
    global: true,
    requiresArg: true,
  },
  wait: {
    type: 'boolean',
    describe: 'Wait for another para that is at work here (--no-wait: exit 9 at once, naming it)',
    global: true,
    default: true,
  },
  color: {
    type: 'boolean',
    describe: 'Colours on a terminal (--no-color: never)',
    global: true,
    default: true,
  },
} as const;

/** The same as they are typed. */
export const globalFlags = flagsOf({
  ...GLOBAL_OPTIONS,
  help: { alias: 'h', type: 'boolean', default: false },
});
