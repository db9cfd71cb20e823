/** Checks values against the schemas, and says what is wrong in words. */
import { ParaError } from '../errors.ts';
import type { ConfigFile, DockerFile } from './generated/types.ts';
import * as validators from './generated/validators.cjs';

/** The value as the content of a config file. @throws CONFIG_INVALID */
export function checkConfig(file: string, value: unknown): ConfigFile {
  check(file, value, validators.validateConfigFile);
  return value as ConfigFile;
}

/** The value as the content of a docker.json. @throws CONFIG_INVALID */
export function checkDocker(file: string, value: unknown): DockerFile {
  check(file, value, validators.validateDockerFile);
  return value as DockerFile;
}

/** Refuses what only the user may decide. @throws CONFIG_INVALID */
export function refuseUserOnly(file: string, config: ConfigFile): void {
  const key =
    config.docker?.allowed_mounts !== undefined
      ? 'docker.allowed_mounts'
      : config.docker?.hardening === 'off'
        ? 'docker.hardening "off"'
        : undefined;
  if (key === undefined) return;
  throw new ParaError(
    'CONFIG_INVALID',
    `${file}: ${key} may not be set by a project; put it in the user config`,
  );
}

function check(file: string, value: unknown, validate: typeof validators.validateConfigFile): void {
  if (validate(value)) return;
  const problems = (validate.errors ?? []).map(
    (e) => `${e.instancePath.slice(1).replaceAll('/', '.') || 'file'}: ${e.message ?? e.keyword}`,
  );
  const more = problems.length > 1 ? ` (and ${String(problems.length - 1)} more)` : '';
  throw new ParaError('CONFIG_INVALID', `${file}: ${problems[0] ?? 'invalid'}${more}`, {
    details: { problems },
  });
}
