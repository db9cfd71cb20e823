/**
 * Files that run code on the machine of whoever takes the branch: at a checkout, a commit or a push, when a directory is
 * entered or opened, or by the usual command (facts/security-reliability.md §1.3, rules for git, 5). A stranger's branch
 * would be looked at for these first.
 */
import { ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import { changedFiles, readCommitted, type ChangedFile } from '../git/tree.ts';
import { isTooDeep } from '../sys/json-depth.ts';

/** One of them; `path` from the root of the repository on. */
export interface HostTrigger {
  readonly path: string;
  readonly kind: 'git' | 'shell' | 'editor' | 'agent' | 'ci' | 'build' | 'program';
}

/** By name, in the order in which they are told: what nobody has to ask for comes first. macOS sees no capitals. */
const KINDS: readonly (readonly [HostTrigger['kind'], RegExp])[] = [
  [
    'git',
    /(^|\/)(\.husky|\.githooks|\.lefthook|\.overcommit)\/|(^|\/)(\.gitmodules|\.gitattributes|\.lfsconfig)$/i,
  ],
  ['git', /(^|\/)(\.?lefthook[^/]*\.(ya?ml|toml|json)|\.pre-commit-config\.yaml|\.huskyrc[^/]*)$/i],
  ['shell', /(^|\/)(\.envrc|\.?mise\.toml|\.autoenv|\.autoenv\.zsh)$/i],
  ['editor', /(^|\/)(\.vscode|\.idea|\.devcontainer|\.fleet|\.zed)\/|(^|\/)(\.devcontainer\.json|\.exrc)$/i],
  ['editor', /\.code-workspace$|(^|\/)(\.vimrc|\.nvim\.lua|\.nvimrc|\.dir-locals\.el)$/i],
  ['agent', /(^|\/)(\.claude|\.codex|\.gemini|\.cursor|\.opencode)\/|(^|\/)(\.mcp\.json|opencode\.jsonc?)$/i],
  ['agent', /(^|\/)\.aider\.conf\.yml$/i],
  ['ci', /^(\.github\/(workflows|actions)|\.circleci|\.buildkite|\.woodpecker|\.forgejo|\.gitea)\//i],
  ['ci', /(^|\/)(\.gitlab-ci\.yml|\.travis\.yml|\.drone\.yml|\.woodpecker\.ya?ml|Jenkinsfile)$/i],
  ['ci', /(^|\/)(azure-pipelines\.yml|bitbucket-pipelines\.yml|action\.ya?ml)$/i],
  [
    'build',
    /(^|\/)(GNUmakefile|Makefile|justfile|Taskfile\.ya?ml|Rakefile|\.npmrc|\.yarnrc\.yml|\.pnpmfile\.cjs)$/i,
  ],
  ['program', /\.(sh|bash|zsh|fish|ps1|bat|cmd)$/i],
];

const MANIFEST = /(^|\/)package\.json$/;
/** Manifests that are read; of more it is said that they are others. */
const MOST_READ = 8;
/** Most bytes of one. */
const MOST_BYTES = 1024 * 1024;

/** Those that `after` has and `before` has not, or otherwise; sorted by kind, then by path. @throws as git does */
export async function hostTriggers(
  repo: Repository,
  before: string,
  after: string,
): Promise<readonly HostTrigger[]> {
  if (before === after) return [];
  const files = await changedFiles(repo, before, after);
  const manifests = files.filter(({ path }) => MANIFEST.test(path));
  const harmless = new Set<string>();
  for (const { path, isOld } of manifests.slice(0, MOST_READ)) {
    const [then, now] = [
      isOld ? await scriptsOf(repo, before, path) : '{}',
      await scriptsOf(repo, after, path),
    ];
    if (then === now) harmless.add(path);
  }
  const order = [...new Set(KINDS.map(([kind]) => kind))];
  return files
    .filter(({ path }) => !harmless.has(path))
    .flatMap((file) => {
      const kind = kindOf(file);
      return kind === undefined ? [] : [{ path: file.path, kind }];
    })
    .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || (a.path < b.path ? -1 : 1));
}

function kindOf({ path, isExecutable }: ChangedFile): HostTrigger['kind'] | undefined {
  const named = KINDS.find(([, pattern]) => pattern.test(path))?.[0];
  return named ?? (MANIFEST.test(path) ? 'build' : isExecutable ? 'program' : undefined);
}

/** The scripts of a package.json as text; what can not be read is another one than any. */
async function scriptsOf(repo: Repository, commit: string, path: string): Promise<string> {
  const bytes = await readCommitted(repo, commit, path);
  const text = bytes === undefined || bytes.length > MOST_BYTES ? '' : bytes.toString('utf8');
  try {
    if (isTooDeep(text)) return `${commit} is too deep`;
    const { scripts } = JSON.parse(text) as { readonly scripts?: unknown };
    return JSON.stringify(scripts ?? {});
  } catch {
    return `${commit} can not be read`;
  }
}

/** Names shown of many. */
const SHOWN = 6;

/** What is said of them. */
export function inWords(triggers: readonly HostTrigger[]): readonly string[] {
  if (triggers.length === 0) return [];
  const named = triggers.slice(0, SHOWN).map(({ path }) => JSON.stringify(path));
  const more = triggers.length > SHOWN ? `, and ${String(triggers.length - SHOWN)} more` : '';
  return [
    `The branch changes files that run code where they are used; read them first: ${named.join(', ')}${more}`,
  ];
}

/** The same for whom the branch is all that matters: what git can not tell is said, and stops nothing. */
export async function triggersOrWhy(
  repo: Repository,
  before: string,
  after: string,
): Promise<{ readonly triggers: readonly HostTrigger[]; readonly why?: string }> {
  try {
    return { triggers: await hostTriggers(repo, before, after) };
  } catch (error) {
    if (!(error instanceof ParaError) || error.code === 'INTERRUPTED') throw error;
    return { triggers: [], why: `Which files run code could not be looked at: ${error.message}` };
  }
}
