/**
 * Lends a container the person's ssh agent, where they have said so (--ssh-agent). The engine mounts a link of para's that
 * leads to the agent's socket: where the agent is changes with each login, and a container keeps its mounts.
 */
import { readlink, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { isAbsolute, join } from 'node:path';
import type { Engine } from '../docker/driver.ts';
import { SSH_AGENT_LINK } from '../docker/spec.ts';
import { ParaError } from '../errors.ts';

/** What finding an agent needs of the App. */
export interface AgentContext {
  readonly env: NodeJS.ProcessEnv;
}

/** A container as the agent is lent to it. */
export interface Borrower {
  readonly session: string;
  /** Host directory of the session's container state. */
  readonly stateDir: string;
}

/** SSH_AGENTC_REQUEST_IDENTITIES, and what answers it (draft-ietf-sshm-ssh-agent §3): five bytes, length first. */
const WHO_IS_THERE = Uint8Array.of(0, 0, 0, 1, 11);
const ANSWERS: readonly (number | undefined)[] = [12, 5];
/** Milliseconds for that; an agent that has to be unlocked answers too. */
const ANSWER_MS = 3_000;

/**
 * Where the agent is: SSH_AUTH_SOCK, and when that is none, where the container had it before.
 * @throws MOUNT_INVALID when there is none, MOUNT_REFUSED for somebody else's
 */
export async function findSshAgent({ env }: AgentContext, to: Borrower): Promise<string> {
  const named = env['SSH_AUTH_SOCK'] ?? '';
  const before = await readlink(linkIn(to)).catch(() => '');
  const places = [named, before].filter((path) => path !== '');
  const troubles: ParaError[] = [];
  for (const path of places) {
    const trouble = await troubleWith(path);
    if (trouble === undefined) return realpath(path);
    troubles.push(trouble);
  }
  const [first = notThere('SSH_AUTH_SOCK is not set')] = troubles;
  throw first.withHint(
    `Start one, and type it again:\neval "$(ssh-agent)" && ssh-add${before === '' ? '' : `\nor make the container without it, with all its commits:\npara docker stop ${to.session} --remove && para docker start ${to.session}`}`,
  );
}

/**
 * Makes sure that the link leads to an agent; to be called before each start of a container that was lent one.
 * @throws as `findSshAgent`
 */
export async function lendSshAgent(
  context: AgentContext,
  container: { readonly ssh_agent?: true },
  to: Borrower,
): Promise<void> {
  if (container.ssh_agent === true) await linkSshAgent(to.stateDir, await findSshAgent(context, to));
}

/** Lets the container's link lead there. Safe to repeat. */
export async function linkSshAgent(stateDir: string, agent: string): Promise<void> {
  const link = join(stateDir, SSH_AGENT_LINK);
  const temporary = `${link}.${String(process.pid)}.tmp`;
  await rm(temporary, { force: true });
  await symlink(agent, temporary);
  await rename(temporary, link);
}

/** @throws MOUNT_REFUSED where a container could not reach the agent's socket */
export function requireLendable({ endpoint, capabilities }: Pick<Engine, 'endpoint' | 'capabilities'>): void {
  const isElsewhere = process.platform !== 'linux' || endpoint.includes('/.docker/desktop/');
  const why = isElsewhere
    ? 'runs containers in a virtual machine, where the socket of your ssh agent is not'
    : capabilities.usernsRemap
      ? 'gives containers other users (userns-remap), to whom your ssh agent does not answer'
      : capabilities.selinux
        ? 'keeps containers from sockets of yours (SELinux)'
        : undefined;
  if (why === undefined) return;
  throw new ParaError('MOUNT_REFUSED', `this engine ${why}`, {
    hint: 'Leave --ssh-agent out: what is in a session can be pushed from the host, by finish or by git.',
  });
}

function linkIn({ stateDir }: Borrower): string {
  return join(stateDir, SSH_AGENT_LINK);
}

/** What keeps it from being lent. */
async function troubleWith(path: string): Promise<ParaError | undefined> {
  const name = JSON.stringify(path);
  if (!isAbsolute(path)) return notThere(`SSH_AUTH_SOCK is no absolute path: ${name}`);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return notThere(`there is nothing at ${name}`);
  if (!found.isSocket()) return notThere(`${name} is no socket`);
  if (found.uid !== process.getuid?.())
    return new ParaError('MOUNT_REFUSED', `the ssh agent at ${name} is not yours`);
  return (await answersAsAgent(path)) ? undefined : notThere(`nothing answers as an ssh agent at ${name}`);
}

function notThere(why: string): ParaError {
  return new ParaError('MOUNT_INVALID', `there is no ssh agent to lend: ${why}`);
}

/** Asks for the keys' names; another program's socket, such as an engine's, says something else. */
function answersAsAgent(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let heard = Buffer.alloc(0);
    const end = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(ANSWER_MS, () => {
      end(false);
    });
    socket.on('error', () => {
      end(false);
    });
    socket.on('close', () => {
      end(false);
    });
    socket.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk]).subarray(0, 5);
      if (heard.length === 5) end(ANSWERS.includes(heard[4]));
    });
    socket.write(WHO_IS_THERE);
  });
}
