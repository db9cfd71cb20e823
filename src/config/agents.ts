/** The agents para knows by name, and which one is to be run. */
import { ParaError } from '../errors.ts';
import type { AgentSettings } from './defaults.ts';
import type { LoadedConfig } from './load.ts';

/** Command lines of an agent, with placeholders. */
export interface AgentCommands {
  readonly command: readonly string[];
  /** For a follow-up in the same conversation; undefined when the agent has none. */
  readonly resumeCommand: readonly string[] | undefined;
}

/**
 * How each agent is run without a terminal, edits files without asking, and goes on where it stopped:
 * - claude: code.claude.com/docs/en/headless and /cli-reference (`-p`, `--continue`, `--permission-mode`)
 * - codex: github.com/openai/codex, docs/exec.md (`exec`, `exec resume --last`; flags are given again)
 * - gemini: geminicli.com/docs/cli/headless and /session-management (`--prompt`, `--resume`, `--approval-mode`)
 * - opencode: opencode.ai/docs/cli (`run`, `run --continue`)
 * - aider: aider.chat/docs/scripting.html and /config/options.html (`--message-file`, `--restore-chat-history`)
 */
const PRESETS: Readonly<Record<NonNullable<AgentSettings['preset']>, AgentCommands>> = {
  claude: {
    command: ['claude', '--permission-mode', 'acceptEdits', '-p', '{prompt}'],
    resumeCommand: ['claude', '--permission-mode', 'acceptEdits', '--continue', '-p', '{prompt}'],
  },
  codex: {
    command: ['codex', 'exec', '--sandbox', 'workspace-write', '{prompt}'],
    resumeCommand: ['codex', 'exec', '--sandbox', 'workspace-write', 'resume', '--last', '{prompt}'],
  },
  gemini: {
    command: ['gemini', '--approval-mode', 'auto_edit', '--prompt', '{prompt}'],
    resumeCommand: ['gemini', '--approval-mode', 'auto_edit', '--resume', 'latest', '--prompt', '{prompt}'],
  },
  opencode: {
    command: ['opencode', 'run', '{prompt}'],
    resumeCommand: ['opencode', 'run', '--continue', '{prompt}'],
  },
  aider: {
    command: ['aider', '--yes-always', '--message-file', '{prompt_file}'],
    resumeCommand: ['aider', '--yes-always', '--restore-chat-history', '--message-file', '{prompt_file}'],
  },
};

/**
 * The agent of a session. In a container the project's settings may name it; what runs on this machine is named by
 * the user's own file alone, since a repository is anybody's. @throws CONFIG_INVALID
 */
export function chooseAgent({ config, ownAgent, origin }: LoadedConfig, inContainer: boolean): AgentCommands {
  const named = commandsOf(inContainer ? config.agent : ownAgent);
  if (named !== undefined) return named;
  if (commandsOf(config.agent) === undefined)
    throw new ParaError('CONFIG_INVALID', 'no agent is configured', {
      hint: 'para config set agent.preset claude\nor any program: para config set agent.command \'["my-agent", "{prompt_file}"]\'',
    });
  const file = origin.get('agent.command') ?? origin.get('agent.preset') ?? 'the project';
  throw new ParaError(
    'CONFIG_INVALID',
    `${file} names an agent, but what runs on this machine only your own settings may name`,
    { hint: 'In a container it may: --docker\nor name one yourself: para config set agent.preset claude' },
  );
}

function commandsOf(settings: AgentSettings): AgentCommands | undefined {
  const preset = settings.preset === undefined ? undefined : PRESETS[settings.preset];
  const command = settings.command ?? preset?.command;
  if (command === undefined) return undefined;
  // A command of one's own may be another program, which the preset's follow-up would not know.
  const follows = settings.command === undefined ? preset?.resumeCommand : undefined;
  return { command, resumeCommand: settings.resume_command ?? follows };
}
