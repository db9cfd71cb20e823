/** Reads the values of secrets where the settings say that they are. They are kept in memory alone. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Secret, Source } from '../config/secrets.ts';
import { onPath } from '../docker/detect.ts';
import { ParaError } from '../errors.ts';
import { registerSecret } from '../sys/redact.ts';
import { describeEnd, succeeded, type Runner } from '../sys/run.ts';

/** What reading needs of the App. */
export interface SourceContext {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly runner: Runner;
}

/** Bytes of one, and of all together: they lie in the container's memory. */
const MAX_VALUE = 64 * 1024;
const MAX_ALL = 512 * 1024;
/** Milliseconds for a program, which may ask for a finger on a key. */
const PROGRAM_MS = 60_000;

/** Every value by its secret's name, one after the other: a password manager asks once. @throws CONFIG_INVALID */
export async function readSecrets(
  context: SourceContext,
  secrets: readonly Secret[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  let total = 0;
  for (const secret of secrets) {
    const value = await readSource(context, secret);
    registerSecret(Buffer.from(value).toString('utf8'));
    checkValue(secret, value);
    total += value.length;
    if (total > MAX_ALL) throw unusable(secret, `all together have more than ${String(MAX_ALL / 1024)} KiB`);
    values.set(secret.name, value);
  }
  return values;
}

function checkValue(secret: Secret, value: Uint8Array): void {
  if (value.length === 0) throw unusable(secret, `${inWords(secret.source)} is empty`);
  if (value.length > MAX_VALUE)
    throw unusable(secret, `${inWords(secret.source)} has more than ${String(MAX_VALUE / 1024)} KiB`);
  if (secret.asEnv !== undefined && value.includes(0))
    throw unusable(secret, `it holds a NUL byte, which the variable ${secret.asEnv} can not`);
}

async function readSource(context: SourceContext, secret: Secret): Promise<Uint8Array> {
  const { source } = secret;
  switch (source.kind) {
    case 'env': {
      const value = context.env[source.name];
      if (value === undefined) throw unusable(secret, `${inWords(source)} is not set`);
      return Buffer.from(value);
    }
    case 'file':
      return readFileOf(secret, expand(source.path, context.home));
    case 'cmd':
      return printedBy(context, secret, source.argv);
    case 'op':
      return printedBy(context, secret, ['op', 'read', '--no-newline', source.reference]);
  }
}

/** `~` and $HOME are the user's home. */
export function expand(path: string, home: string): string {
  return path.replace(/^(~|\$HOME|\$\{HOME\})(?=\/|$)/, () => home);
}

async function readFileOf(secret: Secret, path: string): Promise<Uint8Array> {
  if (!isAbsolute(path)) throw unusable(secret, `${inWords(secret.source)} is no absolute path`);
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw unusable(secret, `${inWords(secret.source)} can not be read (${code ?? 'unknown'})`);
  });
  try {
    if (!(await file.stat()).isFile()) throw unusable(secret, `${inWords(secret.source)} is no regular file`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_VALUE + 1), 0, MAX_VALUE + 1, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** What it printed, without the line's end. What it said besides is not told: it may be the secret. */
async function printedBy(
  { runner, env }: SourceContext,
  secret: Secret,
  [program, ...args]: readonly [string, ...string[]],
): Promise<Uint8Array> {
  const file = isAbsolute(program) ? program : await onPath(program, env);
  if (file === undefined) throw unusable(secret, `there is no ${program} on PATH`);
  const ended = await runner.capture({ file, args, timeoutMs: PROGRAM_MS, binary: true });
  if (ended.aborted) throw new ParaError('INTERRUPTED', 'interrupted');
  if (!succeeded(ended))
    throw unusable(secret, `${inWords(secret.source)} did not tell it: ${describeEnd(ended)}`);
  const value = Buffer.from(ended.stdoutBytes);
  return value.at(-1) === 0x0a ? value.subarray(0, -1) : value;
}

/** Where it is, for a person: no value, and of a command no more than its program. */
function inWords(source: Source): string {
  switch (source.kind) {
    case 'env':
      return `the variable ${source.name}`;
    case 'file':
      return `the file ${source.path}`;
    case 'cmd':
      return source.argv[0];
    case 'op':
      return 'op';
  }
}

function unusable({ name, source }: Secret, why: string): ParaError {
  return new ParaError('CONFIG_INVALID', `the secret ${name}: ${why}`, {
    hint: `Nothing was started. Where it is to be found is in your settings:\npara config get secrets.${name}`,
    details: { secret: name, source: source.kind },
  });
}
