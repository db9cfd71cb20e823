/** Every command para knows, and where it is. A new command is one entry here and one file. */
import type { Command } from './define.ts';

/** A command that is loaded only when it is typed. `words` are what a person types to reach it. */
export interface Entry {
  readonly words: string;
  readonly aliases?: readonly string[];
  readonly describe: string;
  readonly load: () => Promise<{ readonly default: Command }>;
}

/** The table of commands, in the order of --help. */
export const COMMANDS: readonly Entry[] = [
  {
    words: 'start',
    describe: 'Start a session: worktree, branch and, with --docker, a container',
    load: () => import('./commands/start.ts'),
  },
  {
    words: 'dispatch',
    describe: 'Start a session and let the agent of your settings work in it, in the background',
    load: () => import('./commands/dispatch.ts'),
  },
  {
    words: 'resume',
    describe: 'Go on with a session: start its container again, and tell its agent more',
    load: () => import('./commands/resume.ts'),
  },
  {
    words: 'finish',
    describe: 'Commit, push, remove container and worktree; the branch is ready for review',
    load: () => import('./commands/finish.ts'),
  },
  {
    words: 'cancel',
    describe: 'Archive a session with all its work, and take it away',
    load: () => import('./commands/cancel.ts'),
  },
  {
    words: 'recover',
    describe: 'Bring a cancelled session back, with its uncommitted work',
    load: () => import('./commands/recover.ts'),
  },
  {
    words: 'clean',
    describe: 'Remove finished sessions whose work is merged, and old archives',
    load: () => import('./commands/clean.ts'),
  },
  {
    words: 'list',
    aliases: ['ls'],
    describe: 'List the sessions of this repository',
    load: () => import('./commands/list.ts'),
  },
  {
    words: 'status',
    describe: 'Say what you are doing in a session, or see what its agent says',
    load: () => import('./commands/status.ts'),
  },
  {
    words: 'monitor',
    describe: 'Watch all sessions: what each does, how far it is, what its container says',
    load: () => import('./commands/monitor.ts'),
  },
  {
    words: 'docker start',
    describe: 'Start the container of a session',
    load: () => import('./commands/docker-start.ts'),
  },
  {
    words: 'docker stop',
    describe: 'Stop the container of a session',
    load: () => import('./commands/docker-stop.ts'),
  },
  {
    words: 'docker exec',
    describe: 'Run a command in the container of a session',
    load: () => import('./commands/docker-exec.ts'),
  },
  {
    words: 'docker queue',
    describe: 'Look at the commands that wait or run in a container in the background',
    load: () => import('./commands/docker-queue.ts'),
  },
  {
    words: 'docker attach',
    describe: 'Open a shell in the container of a session',
    load: () => import('./commands/docker-attach.ts'),
  },
  {
    words: 'docker logs',
    describe: 'Print what the container of a session has printed',
    load: () => import('./commands/docker-logs.ts'),
  },
  {
    words: 'docker network',
    describe: 'See what a restricted container asked to reach, and what its allow-list would need',
    load: () => import('./commands/docker-network.ts'),
  },
  {
    words: 'docker stats',
    describe: 'Say what containers use of CPU, memory, processes, network and disk',
    load: () => import('./commands/docker-stats.ts'),
  },
  {
    words: 'docker supervise',
    describe: 'Watch containers, and restart those that died or are not well, until a signal',
    load: () => import('./commands/docker-supervise.ts'),
  },
  {
    words: 'docker update',
    describe: 'Change what the container of a session may use, while it runs',
    load: () => import('./commands/docker-update.ts'),
  },
  {
    words: 'docker sync',
    describe: "Bring the container's commits back now; it goes on running",
    load: () => import('./commands/docker-sync.ts'),
  },
  {
    words: 'docker cleanup',
    describe: 'Remove containers and networks that no session owns any more',
    load: () => import('./commands/docker-cleanup.ts'),
  },
  {
    words: 'docker pool',
    describe: 'Keep containers ready for the next starts, or let them go',
    load: () => import('./commands/docker-pool.ts'),
  },
  {
    words: 'docker trust',
    describe: 'Show what the files of a repository ask of this machine, and approve it',
    load: () => import('./commands/docker-trust.ts'),
  },
  {
    words: 'docker list',
    aliases: ['ls'],
    describe: 'List the containers of this repository',
    load: () => import('./commands/docker-list.ts'),
  },
  {
    words: 'config show',
    describe: 'Print the settings in force',
    load: () => import('./commands/config-show.ts'),
  },
  { words: 'config get', describe: 'Print one setting', load: () => import('./commands/config-get.ts') },
  { words: 'config set', describe: 'Change one setting', load: () => import('./commands/config-set.ts') },
  {
    words: 'config unset',
    describe: 'Take one setting out of the file, so that the default holds again',
    load: () => import('./commands/config-unset.ts'),
  },
  {
    words: 'config edit',
    describe: 'Open the settings in your editor; a file that is not valid is not taken',
    load: () => import('./commands/config-edit.ts'),
  },
  {
    words: 'config path',
    describe: 'Print where the settings files are',
    load: () => import('./commands/config-path.ts'),
  },
  {
    words: 'config schema',
    describe: 'Print a JSON Schema of the settings',
    load: () => import('./commands/config-schema.ts'),
  },
  {
    words: 'doctor',
    describe: 'Say what works on this machine and what does not',
    load: () => import('./commands/doctor.ts'),
  },
  {
    words: 'completion',
    describe: 'Print a completion script for bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
];

/** What `para docker --help` and the like say first. */
export const GROUPS: Readonly<Record<string, string>> = {
  docker: 'Work with the containers of sessions',
  config: 'Read and change settings',
};
