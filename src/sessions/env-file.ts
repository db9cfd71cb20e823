import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseEnv, type EnvRequest } from '../docker/publish.ts';
import { ParaError } from '../errors.ts';
import { registerSecret } from '../sys/redact.ts';

const MAX_BYTES = 1024 * 1024;

/**
 * Reads a file of NAME=VALUE lines as `docker run --env-file` does: blank lines and `#` lines are left out, values
 * are taken as they stand, a NAME alone passes the caller's own value. @throws USAGE with file and line
 */
export async function readEnvFile(
  path: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Record<string, string>> {
  const text = await readFile(resolve(cwd, path), 'utf8').catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ParaError(
      'USAGE',
      `--env-file ${path} can not be read: ${code === 'ENOENT' ? 'no such file' : message}`,
    );
  });
  if (text.length > MAX_BYTES) throw new ParaError('USAGE', `--env-file ${path} is larger than 1 MiB`);
  const values: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    try {
      Object.assign(values, resolveEnv([parseEnv(line)], env));
    } catch (error) {
      throw new ParaError(
        'USAGE',
        `${path}:${String(index + 1)}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }
  return values;
}

/** Names of variables whose values are nobody's business. */
export const SECRET_NAME = /TOKEN|SECRET|PASSW|CREDENTIAL|(?:^|_)KEY(?:$|_)|APIKEY/i;

/**
 * The values of variables asked for; a bare NAME takes the caller's own, or is left out when that is unset. A bare
 * name that sounds like a secret is refused: its value would show in `inspect` (design.md §7). The value of one that is
 * given all the same is not shown by para.
 * @throws USAGE
 */
export function resolveEnv(wanted: readonly EnvRequest[], env: NodeJS.ProcessEnv): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, value } of wanted) {
    if (value === undefined && SECRET_NAME.test(name)) {
      throw new ParaError(
        'USAGE',
        `${name} sounds like a secret, and the environment of a container shows in the engine's inspect`,
        {
          hint: `Let the container have it as a file in /run/secrets:\npara config set secrets.${name.toLowerCase()} env:${name}\nIf it is none: --env ${name}="$${name}"`,
        },
      );
    }
    const known = value ?? env[name];
    if (known !== undefined && SECRET_NAME.test(name)) registerSecret(known);
    if (known !== undefined) values[name] = known;
  }
  return values;
}
