/** All that the files of a repository ask of the host, with what of it a person has approved. Reads only. */
import { ParaError } from '../errors.ts';
import { resolveBase } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { placeHere } from '../git/worktrees.ts';
import { parseSessionDocker } from '../config/load.ts';
import { sha256Of } from '../sys/sha256.ts';
import type { Settings } from './container-plan.ts';
import { committedDockerFile, worktreeDockerFile, type DockerAsked } from './docker-file.ts';
import { CONFIG_FILE, DOCKER_FILE } from './asking-files.ts';
import { hostEffects, scriptEffect, withoutContainer, type HostEffect } from './host-effects.ts';
import { repositoryScript } from './setup.ts';
import { placesOf, type SessionRecord } from './store.ts';
import { isApproved, readApprovals, type ApprovalFile } from './trust.ts';

/** A file that asks for something. */
export interface AskingFile {
  readonly file: string;
  readonly sha256: string;
  readonly effects: readonly HostEffect[];
  /** A session's docker.json that is another one than it was started from: it needs approval whatever it asks for. */
  readonly isChanged: boolean;
  readonly isApproved: boolean;
}

/** Whose files are looked at. */
export interface AsksOf {
  readonly repo: Repository;
  readonly settings: Settings;
  readonly home: string;
  readonly trustDir: string;
  /** A session's docker.json is the one in its worktree. */
  readonly record: SessionRecord | undefined;
  /** Otherwise it is the one of this commit; undefined: of HEAD. */
  readonly base: string | undefined;
}

/** Every file that needs a person's word, approved or not. @throws MOUNT_REFUSED for what nobody gets, CONFIG_INVALID */
export async function readAsks(of: AsksOf): Promise<readonly AskingFile[]> {
  const { repo, settings, record, trustDir } = of;
  const [docker, script, approvals] = await Promise.all([
    dockerFile(of),
    ownScript(of),
    readApprovals(trustDir, repo.root),
  ]);
  const effects = await effectsOf(of, docker);
  const isChanged = record !== undefined && docker?.sha256 !== (await pinned(repo, record))?.sha256;
  const files: readonly Omit<AskingFile, 'isApproved'>[] = [
    { ...asking(CONFIG_FILE, settings.project?.sha256, effects), isChanged: false },
    { ...asking(DOCKER_FILE, docker?.sha256, effects), isChanged },
    ...script,
  ];
  return files
    .filter((file) => file.sha256 !== '' && (file.effects.length > 0 || file.isChanged))
    .map((file) => judge(approvals, file));
}

function asking(
  file: string,
  sha256: string | undefined,
  effects: readonly HostEffect[],
): Pick<AskingFile, 'file' | 'sha256' | 'effects'> {
  return { file, sha256: sha256 ?? '', effects: effects.filter((effect) => effect.file === file) };
}

async function effectsOf(
  { repo, settings: { own, project }, record, home }: AsksOf,
  docker: DockerAsked | undefined,
): Promise<readonly HostEffect[]> {
  const worktree = placesOf(repo.root).worktree(record?.name ?? 'session');
  const mountContext = { worktree, repo: repo.root, home, allowed: own.docker.allowed_mounts };
  return [
    ...withoutContainer(own, project?.config),
    ...(await hostEffects({ own, project: project?.config, file: docker?.file, mountContext })),
  ];
}

/** One that the user's settings allow already needs nothing. */
async function ownScript({ repo, settings }: AsksOf): Promise<readonly Omit<AskingFile, 'isApproved'>[]> {
  const script = await repositoryScript(repo.root, false);
  if (script === undefined || settings.own.session.setup_allowed.includes(repo.root)) return [];
  const { path: file, sha256 } = script;
  return [{ file, sha256, effects: [scriptEffect(file)], isChanged: false }];
}

async function dockerFile({ repo, record, base }: AsksOf): Promise<DockerAsked | undefined> {
  if (record === undefined)
    return committedDockerFile(repo, await resolveBase(repo, base, await placeHere(repo)));
  const bytes = await worktreeDockerFile(record.worktree_path);
  if (bytes === 'none') return undefined;
  if (bytes === 'odd')
    throw new ParaError(
      'REFUSED',
      `the ${DOCKER_FILE} of ${record.name} is no regular file of at most 256 KiB`,
      {
        hint: `Look what it is:\nls -l ${record.worktree_path}/${DOCKER_FILE}`,
      },
    );
  return { file: parseSessionDocker(DOCKER_FILE, bytes), sha256: sha256Of(bytes) };
}

/** What was there when the session began counts anyway; one that makes no sense is not that of now. */
function pinned(repo: Repository, record: SessionRecord): Promise<DockerAsked | undefined> {
  return committedDockerFile(repo, record.base).catch(() => undefined);
}

function judge(approvals: readonly ApprovalFile[], file: Omit<AskingFile, 'isApproved'>): AskingFile {
  const isSeen = approvals.some((one) => one.file === file.file && one.sha256 === file.sha256);
  return {
    ...file,
    isApproved: isSeen && file.effects.every((effect) => isApproved(approvals, effect, file.sha256)),
  };
}
