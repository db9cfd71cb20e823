/** The secrets of one session's container: which, and how they get in after each of its starts. */
import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/defaults.ts';
import type { SessionRecord } from '../config/generated/types.ts';
import { secretsOf, type Secret } from '../config/secrets.ts';
import type { DockerService } from '../docker/service.ts';
import { INSIDE } from '../docker/spec.ts';
import { ParaError } from '../errors.ts';
import { replaceFile } from '../sys/files.ts';
import { framed, SECRETS_SCRIPT } from './secrets-script.ts';
import { expand, readSecrets, type SourceContext } from './secret-values.ts';

/** What secrets need of the App. */
export interface VaultContext extends SourceContext {
  config(): Promise<{ readonly config: Config; readonly own: Config }>;
}

/** A container's secrets. */
export interface Vault {
  readonly secrets: readonly Secret[];
  /** Every value, read once. To be asked before anything is made. @throws CONFIG_INVALID */
  open(): Promise<ReadonlyMap<string, Uint8Array>>;
}

/** A container as secrets are put into it. */
export interface Receiver {
  readonly service: DockerService;
  readonly container: string;
  readonly stateDir: string;
}

/** The vault of these. */
export function vaultOf(context: SourceContext, secrets: readonly Secret[]): Vault {
  let values: Promise<ReadonlyMap<string, Uint8Array>> | undefined;
  return { secrets, open: () => (values ??= readSecrets(context, secrets)) };
}

/** Whose containers they are. */
export interface Receiving {
  readonly home: string;
  /** The repository's main checkout. */
  readonly root: string;
}

/**
 * The secrets that a container gets: those that the user gives to this repository, and those that its docker.json asks
 * for by name; what of these the user gives to others only, a person has to approve (host-effects.ts).
 * @throws CONFIG_INVALID when there is none of a name
 */
export async function chooseSecrets(
  settings: Config['secrets'],
  place: Receiving,
  asked: readonly string[] = [],
): Promise<readonly Secret[]> {
  const all = secretsOf(settings);
  const lost = asked.find((name) => all.every((secret) => secret.name !== name));
  if (lost !== undefined) throw unknown(lost);
  const others = await secretsOfOthers(settings, place);
  return all.filter(({ name }) => !others.includes(name) || asked.includes(name));
}

/** Names of those that the user gives to other repositories only. */
export async function secretsOfOthers(
  settings: Config['secrets'],
  { home, root }: Receiving,
): Promise<readonly string[]> {
  const here = await realpath(root);
  const isGiven = async (path: string): Promise<boolean> =>
    (await realpath(expand(path, home)).catch(() => undefined)) === here;
  const names = await Promise.all(
    secretsOf(settings).map(async ({ name, repositories }) => {
      if (repositories === undefined) return [];
      return (await Promise.all(repositories.map(isGiven))).includes(true) ? [] : [name];
    }),
  );
  return names.flat();
}

type Container = NonNullable<SessionRecord['container']>;

/** What the settings do not know any more. */
const NOWHERE = { source: { kind: 'env', name: '' }, rotating: false, repositories: undefined } as const;

/**
 * The vault of a container that is there, by what its record says; the settings tell where the values are now. One that
 * they do not know any more keeps it from being opened.
 */
export async function vaultOfRecord(context: VaultContext, container: Container | null): Promise<Vault> {
  const names = container?.made_with?.secrets ?? [];
  if (names.length === 0) return vaultOf(context, []);
  const all = secretsOf((await context.config()).config.secrets);
  const secrets = names.map(({ name, as_env: asEnv }): Secret => {
    const known = all.find((secret) => secret.name === name);
    return { ...(known ?? { ...NOWHERE, name }), asEnv };
  });
  const lost = names.find(({ name }) => all.every((secret) => secret.name !== name));
  const vault = vaultOf(context, secrets);
  return lost === undefined ? vault : { ...vault, open: () => Promise.reject(unknown(lost.name)) };
}

/** Names of those that are logins which are renewed where they are used. */
export function rotatingOf({ secrets }: Pick<Vault, 'secrets'>): readonly string[] {
  return secrets.filter(({ rotating }) => rotating).map(({ name }) => name);
}

/** What a record keeps of them: names. */
export function recordedSecrets({ secrets }: Vault): Pick<NonNullable<Container['made_with']>, 'secrets'> {
  if (secrets.length === 0) return {};
  return {
    secrets: secrets.map(({ name, asEnv }) => ({ name, ...(asEnv === undefined ? {} : { as_env: asEnv }) })),
  };
}

/** Names and kinds of sources, for whoever asks what a session gets. */
export function describeSecrets({
  secrets,
}: Vault): readonly { readonly name: string; readonly source: string }[] {
  return secrets.map(({ name, source, asEnv }) => ({
    ...{ name, source: source.kind },
    ...(asEnv === undefined ? {} : { as_env: asEnv }),
  }));
}

/** Milliseconds for the exec that writes them. */
const DELIVER_MS = 60_000;

/**
 * Starts a container and puts its secrets into it. The values are read first; while they are not in, the container's
 * queue waits, also when para dies in between. @throws CONFIG_INVALID, and as the start does
 */
export async function startWithSecrets<T>(vault: Vault, to: Receiver, start: () => Promise<T>): Promise<T> {
  if (vault.secrets.length === 0) return start();
  const values = await vault.open();
  const cmd = join(to.stateDir, 'cmd');
  await mkdir(cmd, { recursive: true, mode: 0o700 });
  await replaceFile(join(cmd, 'secrets.sh'), SECRETS_SCRIPT, 0o755);
  await replaceFile(heldFile(to.stateDir), '');
  const started = await start();
  await deliver(values, to);
  await writeFile(givenFile(to.stateDir), '');
  await rm(heldFile(to.stateDir), { force: true });
  return started;
}

/** There while a container that has secrets has not got them: it takes no queued command. */
export function heldFile(stateDir: string): string {
  return join(stateDir, 'cmd', 'held');
}

/** Written whenever they were put in. */
export function givenFile(stateDir: string): string {
  return join(stateDir, 'secrets-given');
}

async function deliver(
  values: ReadonlyMap<string, Uint8Array>,
  { service, container }: Receiver,
): Promise<void> {
  const argv = ['sh', `${INSIDE.cmd}/secrets.sh`, INSIDE.secrets];
  const request = { container, argv, tty: false, stdin: true };
  const ended = await service.execCapture(request, { input: framed(values), timeoutMs: DELIVER_MS });
  if (ended.exitCode === 0) return;
  throw new ParaError('COMMAND_FAILED', `the secrets could not be put into ${container}`, {
    hint: `The image must let its user write to ${INSIDE.secrets}, which is made for them.`,
    details: { exit_code: ended.exitCode, stderr: ended.stderr.slice(0, 2_000) },
  });
}

function unknown(name: string): ParaError {
  return new ParaError('CONFIG_INVALID', `there is no secret ${name} in your settings`, {
    hint: `para config set secrets.${name} env:NAME\n(or file:PATH, 'cmd:["program", "word"]', op://VAULT/ITEM/FIELD)`,
    details: { secret: name },
  });
}
