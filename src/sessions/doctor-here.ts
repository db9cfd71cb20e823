/** What `para doctor` says besides the engines: git, the settings files, and the sessions of this repository. */
import { hasCode, ParaError } from '../errors.ts';
import type { Git } from '../git/git.ts';
import type { Check, Finding } from './doctor.ts';
import { listSessions, type ListContext } from './list.ts';

/** What this needs of the App. */
export interface HereContext extends ListContext {
  git(): Git;
  config(): Promise<unknown>;
}

/** The oldest git that para works with. */
const LEAST_GIT = [2, 31] as const;

/** Every check; none throws. */
export async function checkHere(context: HereContext): Promise<readonly Check[]> {
  const git = await checkGit(context.git());
  const settings = await attempt('settings', 'the settings files are valid', async () => {
    await context.config();
    return [];
  });
  // Without git there is nothing to be said of a repository.
  return git.findings.some(({ level }) => level === 'fail')
    ? [git, settings]
    : [git, settings, ...(await checkSessions(context))];
}

async function checkGit(git: Git): Promise<Check> {
  const version = /^git version ((\d+)\.(\d+)\S*)/.exec(
    Buffer.from((await git.attempt({ args: ['--version'], read: true })).stdoutBytes).toString('utf8'),
  );
  const fix = `Install git ${LEAST_GIT.join('.')} or newer, or add its directory to PATH.`;
  if (version === null)
    return {
      subject: 'git',
      facts: [],
      findings: [{ level: 'fail', text: 'git was not found on PATH', fix }],
    };
  const [, text = '', major = '', minor = ''] = version;
  const isOld =
    Number(major) < LEAST_GIT[0] || (Number(major) === LEAST_GIT[0] && Number(minor) < LEAST_GIT[1]);
  const finding: Finding = isOld
    ? { level: 'fail', text: `git ${text} is older than ${LEAST_GIT.join('.')}`, fix }
    : { level: 'ok', text: 'new enough' };
  return { subject: 'git', facts: [{ name: 'version', value: text }], findings: [finding] };
}

/** The sessions here that need a hand; nothing outside a repository. */
async function checkSessions(context: HereContext): Promise<readonly Check[]> {
  const outside = await context.repository().then(
    () => false,
    (error: unknown) => hasCode(error, 'NOT_A_REPOSITORY'),
  );
  if (outside) return [];
  const check = await attempt('sessions', 'nothing is half done', async () => {
    const { remarks } = await listSessions(context, { containers: false });
    return remarks.map((text): Finding => ({ level: 'warn', text }));
  });
  return [check];
}

/** The remarks of `look`, or that all is well; an error is a remark too. */
async function attempt(
  subject: string,
  well: string,
  look: () => Promise<readonly Finding[]>,
): Promise<Check> {
  try {
    const findings = await look();
    return { subject, facts: [], findings: findings.length > 0 ? findings : [{ level: 'ok', text: well }] };
  } catch (error) {
    if (!(error instanceof ParaError)) throw error;
    const fix = error.hint === undefined ? {} : { fix: error.hint };
    return { subject, facts: [], findings: [{ level: 'fail', text: error.message, ...fix }] };
  }
}
