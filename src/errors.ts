/**
 * Every error para can show, in one place: code, sentence, hint, exit code.
 * Nothing is imported here; everything imports this.
 */

/** Exit codes (design.md §3; 128+n for signals as in POSIX sh). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  noSession: 3,
  git: 4,
  config: 5,
  engine: 6,
  container: 7,
  image: 8,
  busy: 9,
  refused: 10,
  bug: 70,
  deadline: 124,
  engineFailedToRun: 125,
  notExecutable: 126,
  notFound: 127,
  interrupted: 130,
} as const;

/** What a ParaError carries besides its sentence. */
export interface ErrorFacts {
  /** The next command to type, or what to change. One or more lines. */
  readonly hint?: string | undefined;
  /** Facts for `--json`; never a secret. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
  /** Instead of the code's own exit code (exec's 125). */
  readonly exit?: number | undefined;
}

/** An error a person can understand: `message` is one embeddable line. */
export class ParaError extends Error {
  readonly code: ErrorCode;
  readonly exit: number;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = code.startsWith('CONFIG')
      ? 'ConfigError'
      : DOCKER_CODES.has(code)
        ? 'DockerError'
        : 'ParaError';
    this.code = code;
    this.exit = facts.exit ?? EXIT_OF[code];
    this.hint = facts.hint;
    this.details = facts.details;
  }

  /** The same error with another way on. */
  withHint(hint: string): ParaError {
    return new ParaError(this.code, this.message, {
      hint,
      details: this.details,
      cause: this.cause,
      exit: this.exit,
    });
  }
}

/** Codes and the exit code each leads to. The README's table is tested against this one. */
export const EXIT_OF = {
  COMMAND_FAILED: EXIT.failed,
  UNDO_INCOMPLETE: EXIT.failed,
  USAGE: EXIT.usage,
  NAME_INVALID: EXIT.usage,
  SESSION_EXISTS: EXIT.failed,
  SESSION_NOT_FOUND: EXIT.noSession,
  GIT_FAILED: EXIT.git,
  GIT_REFUSED: EXIT.git,
  NOT_A_REPOSITORY: EXIT.git,
  PUSH_FAILED: EXIT.git,
  CONFIG_INVALID: EXIT.config,
  CONFIG_UNREADABLE: EXIT.config,
  ENGINE_NOT_INSTALLED: EXIT.engine,
  ENGINE_TOO_OLD: EXIT.engine,
  ENGINE_PERMISSION_DENIED: EXIT.engine,
  ENGINE_BROKEN: EXIT.engine,
  ENGINE_CANNOT_RUN: EXIT.engine,
  DAEMON_NOT_AVAILABLE: EXIT.engine,
  ENGINE_OUTPUT_UNREADABLE: EXIT.engine,
  CONTAINER_NOT_FOUND: EXIT.container,
  CONTAINER_ALREADY_RUNNING: EXIT.container,
  CONTAINER_NOT_RUNNING: EXIT.container,
  CONTAINER_PAUSED: EXIT.container,
  CONTAINER_RESTARTING: EXIT.container,
  NAME_CONFLICT: EXIT.container,
  PORT_IN_USE: EXIT.container,
  PORT_NOT_PERMITTED: EXIT.container,
  MOUNT_INVALID: EXIT.container,
  MOUNT_REFUSED: EXIT.refused,
  NETWORK_NOT_FOUND: EXIT.container,
  NETWORK_NOT_CLOSED: EXIT.container,
  SUBNET_IN_USE: EXIT.container,
  ADDRESS_IN_USE: EXIT.container,
  RESOURCE_LIMIT_EXCEEDED: EXIT.container,
  COMMAND_NOT_FOUND: EXIT.notFound,
  COMMAND_NOT_EXECUTABLE: EXIT.notExecutable,
  USER_NOT_FOUND: EXIT.container,
  NO_TTY: EXIT.container,
  ENGINE_USAGE: EXIT.container,
  NO_SPACE: EXIT.container,
  IMAGE_NOT_FOUND: EXIT.image,
  IMAGE_PULL_DENIED: EXIT.image,
  IMAGE_PULL_RATE_LIMITED: EXIT.image,
  IMAGE_PLATFORM_MISMATCH: EXIT.image,
  REGISTRY_UNREACHABLE: EXIT.image,
  BUSY: EXIT.busy,
  REFUSED: EXIT.refused,
  BUG: EXIT.bug,
  DEADLINE: EXIT.deadline,
  INTERRUPTED: EXIT.interrupted,
} as const;

/** A stable name for a kind of failure; scripts may rely on it. */
export type ErrorCode = keyof typeof EXIT_OF;

const DOCKER_CODES: ReadonlySet<string> = new Set(
  Object.entries(EXIT_OF)
    .filter(([, exit]) => exit === EXIT.engine || exit === EXIT.container || exit === EXIT.image)
    .map(([code]) => code),
);

/** True for a ParaError with this code. */
export function hasCode(error: unknown, code: ErrorCode): error is ParaError {
  return error instanceof ParaError && error.code === code;
}
