/** Turns a failed engine call into the error a person reads: subject first, next command as hint. */
import { stripVTControlCharacters } from 'node:util';
import { ParaError, type ErrorCode } from '../errors.ts';
import { describeEnd, quote, type Captured } from '../sys/run.ts';
import { meaningfulLines } from './classify.ts';
import type { EngineDriver } from './driver.ts';
import { runtimeFix } from './drivers/runtime-errors.ts';

/** The words for a code; `subject` is such as `container para-x` or `image node:22`. */
interface Words {
  readonly sentence: (subject: string, engine: string) => string;
  readonly hint: (subject: string, engine: string) => string;
}

const sudo = process.getuid?.() === 0 ? '' : 'sudo ';

const WORDS: Partial<Record<ErrorCode, Words>> = {
  DAEMON_NOT_AVAILABLE: {
    sentence: (_, engine) => `${engine} is installed, but its engine does not answer`,
    hint: (_, engine) =>
      engine === 'docker'
        ? `Start it (${sudo}systemctl start docker, or Docker Desktop), or use --engine podman.`
        : 'podman machine start',
  },
  ENGINE_PERMISSION_DENIED: {
    sentence: (_, engine) => `you may not use the ${engine} socket`,
    hint: () => 'sudo usermod -aG docker "$USER"   (then log in again), or use --engine podman',
  },
  ENGINE_TOO_OLD: {
    sentence: (_, engine) => `the ${engine} client and its server do not speak the same API version`,
    hint: (_, engine) => `${engine} version`,
  },
  ENGINE_BROKEN: {
    sentence: (_, engine) => `${engine} cannot use its own configuration or runtime directory`,
    hint: (_, engine) => `${engine} info`,
  },
  ENGINE_CANNOT_RUN: {
    sentence: (_, engine) => `${engine} answers, but can run no container on this machine`,
    hint: () => 'para doctor',
  },
  CONTAINER_NOT_FOUND: { sentence: (subject) => `${subject} does not exist`, hint: () => 'para docker list' },
  CONTAINER_ALREADY_RUNNING: {
    sentence: (subject) => `${subject} is running`,
    hint: () => 'para docker list',
  },
  CONTAINER_NOT_RUNNING: {
    sentence: (subject) => `${subject} is not running`,
    hint: () => 'para docker start',
  },
  CONTAINER_PAUSED: {
    sentence: (subject) => `${subject} is paused`,
    hint: (subject, engine) => `${engine} unpause ${lastWord(subject)}`,
  },
  CONTAINER_RESTARTING: {
    sentence: (subject) => `${subject} is restarting`,
    hint: () => 'Wait a moment and try again.',
  },
  NAME_CONFLICT: {
    sentence: (subject) => `the name of ${subject} is already taken`,
    hint: (subject, engine) => `Look at it, then remove it:\n${engine} rm ${lastWord(subject)}`,
  },
  PORT_IN_USE: {
    sentence: (subject) => `a host port of ${subject} is already in use`,
    hint: () => 'Publish without a host port: --port 80 lets the engine choose a free one.',
  },
  PORT_NOT_PERMITTED: {
    sentence: (subject) => `${subject} may not use a host port below 1024`,
    hint: () => 'Choose a host port of 1024 or more: --port 8080:80',
  },
  MOUNT_INVALID: {
    sentence: (subject) => `a mount of ${subject} cannot be made`,
    hint: () => 'Check that the source exists, and that each target is used once.',
  },
  NETWORK_NOT_FOUND: {
    sentence: (subject) => `the network of ${subject} does not exist`,
    hint: (_, engine) => `${engine} network ls`,
  },
  SUBNET_IN_USE: {
    sentence: (subject) => `no free subnet was found for ${subject}`,
    hint: () => 'para config get docker.network.subnet_pool',
  },
  ADDRESS_IN_USE: {
    sentence: (subject, engine) => `${engine} has given the address of ${subject} to another container`,
    hint: (_, engine) => `${engine} network ls`,
  },
  RESOURCE_LIMIT_EXCEEDED: {
    sentence: (subject) => `the limits asked for ${subject} are outside what this machine allows`,
    hint: () => 'para config get docker.default_resource_limits',
  },
  COMMAND_NOT_FOUND: {
    sentence: (subject) => `the command does not exist in ${subject}`,
    hint: () => 'Check the spelling, or use an image that has it.',
  },
  COMMAND_NOT_EXECUTABLE: {
    sentence: (subject) => `the command in ${subject} is not executable`,
    hint: () => 'Check its mode inside the container: ls -l',
  },
  USER_NOT_FOUND: {
    sentence: (subject) => `the user does not exist in ${subject}`,
    hint: () => 'Use a numeric uid.',
  },
  NO_TTY: {
    sentence: () => 'the input is not a terminal',
    hint: () => 'Run it from a terminal, or without a terminal.',
  },
  NO_SPACE: {
    sentence: (_, engine) => `no space is left where ${engine} keeps its data`,
    hint: (_, engine) => `${engine} system df`,
  },
  IMAGE_NOT_FOUND: {
    sentence: (subject) => `${subject} does not exist`,
    hint: (subject, engine) => `${engine} pull ${lastWord(subject)}`,
  },
  IMAGE_PULL_DENIED: {
    sentence: (subject) => `${subject} may not be pulled, or does not exist`,
    hint: (_, engine) => `${engine} login`,
  },
  IMAGE_PULL_RATE_LIMITED: {
    sentence: (subject) => `the registry refuses ${subject} for now: too many requests`,
    hint: (_, engine) => `Wait, or log in for a higher limit: ${engine} login`,
  },
  IMAGE_PLATFORM_MISMATCH: {
    sentence: (subject) => `${subject} does not exist for this machine's platform`,
    hint: () => 'Choose an image built for this platform.',
  },
  REGISTRY_UNREACHABLE: {
    sentence: (subject) => `the registry of ${subject} cannot be reached`,
    hint: () => 'Check the network and proxy settings, then try again.',
  },
};

function lastWord(subject: string): string {
  return subject.split(' ').at(-1) ?? subject;
}

/** The error behind a call that did not succeed. `subject` is what the user would call the thing. */
export function toParaError(driver: EngineDriver, captured: Captured, subject: string): ParaError {
  const details = {
    engine: driver.name,
    argv: [...captured.args],
    exitCode: captured.exitCode ?? null,
    stderr: cleanLines(captured.stderr).slice(0, 2_000),
  };
  const early = interrupted(driver, captured, subject);
  if (early !== undefined) return new ParaError(early.code, early.message, { hint: early.hint, details });
  const code = driver.classify(captured);
  const absent = captured.args[0] === 'pull' ? absentHere(driver, subject) : undefined;
  if (absent !== undefined)
    return new ParaError('IMAGE_NOT_FOUND', absent.message, { hint: absent.hint, details });
  const said = engineSentence(captured);
  const words = code === undefined ? undefined : WORDS[code];
  if (code === undefined || words === undefined) {
    return new ParaError(
      code ?? 'COMMAND_FAILED',
      `${driver.name} ${captured.args[0] ?? ''} failed for ${subject}: ${said}`,
      {
        hint: `See it yourself: ${clean(quote(captured)).slice(0, 400)}`,
        details,
      },
    );
  }
  return new ParaError(code, words.sentence(subject, driver.name), {
    hint:
      (code === 'ENGINE_CANNOT_RUN' ? runtimeFix(captured.stderr) : undefined) ??
      words.hint(subject, driver.name),
    details: { ...details, said },
  });
}

/** No registry has an image of this machine's own, whatever the engine says of its try to reach one. */
function absentHere(driver: EngineDriver, subject: string): { message: string; hint: string } | undefined {
  if (!subject.startsWith('image localhost/')) return undefined;
  return {
    message: `there is no ${subject} on this machine`,
    hint: `Build it, or take one of these:\n${driver.name} images`,
  };
}

interface Early {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** Ends that need no look at the text. */
function interrupted(driver: EngineDriver, captured: Captured, subject: string): Early | undefined {
  const verb = `${driver.name} ${captured.args[0] ?? ''}`;
  if (captured.timedOut) {
    return {
      code: 'DEADLINE',
      message: `${verb} gave no answer for ${subject} in time`,
      hint: 'para doctor\nor, when it is only slow: export PARA_ENGINE_TIMEOUT=300',
    };
  }
  if (captured.aborted)
    return { code: 'INTERRUPTED', message: `${verb} was interrupted`, hint: 'Run the same command again.' };
  if (captured.spawnError === 'ENOENT') {
    return {
      code: 'ENGINE_NOT_INSTALLED',
      message: `${driver.name} is no longer at ${captured.file}`,
      hint: 'para doctor',
    };
  }
  if (captured.spawnError !== undefined) {
    return {
      code: 'ENGINE_BROKEN',
      message: `${driver.name} could not be started (${captured.spawnError})`,
      hint: 'para doctor',
    };
  }
  return undefined;
}

/** The engine's own first meaningful line, on one line and without control characters. */
export function engineSentence(captured: Captured): string {
  const lines = meaningfulLines(captured.stderr);
  const line = lines.find((text) => /^(error|docker:|oci runtime|cannot)/i.test(text)) ?? lines[0];
  return line === undefined
    ? describeEnd(captured)
    : clean(line)
        .replace(/^Error(?: response from daemon)?: /, '')
        .slice(0, 500);
}

/** All that an engine has said, as many lines as there are. */
function cleanLines(text: string): string {
  const lines = text.split(/[\r\n]+/).map(clean);
  return lines.filter((line) => line !== '').join('\n');
}

/** Text of an engine made safe to show, on one line: no escape sequences, no control or bidi characters. */
export function clean(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();
}
