import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseEnv } from '../docker/publish.ts';
import { ParaError } from '../errors.ts';

const MAX_BYTES = 1024 * 1024;

/**
 * Reads a file of NAME=VALUE lines as `docker run --env-file` does: blank lines and `#` lines are left out, values
 * are taken as they stand, a NAME alone passes the caller's own value. @throws USAGE with file and line
 */
export async function readEnvFile(path: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  const text = await readFile(resolve(cwd, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ParaError('USAGE', `--env-file ${path} can not be read: ${error.code === 'ENOENT' ? 'no such file' : error.message}`);
  });
  if (text.length > MAX_BYTES) throw new ParaError('USAGE', `--env-file ${path} is larger than 1 MiB`);
  const values: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    try {
      const [name, value] = parseEnv(line, env);
      values[name] = value;
    } catch (error) {
      throw new ParaError('USAGE', `${path}:${String(index + 1)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  return values;
}
