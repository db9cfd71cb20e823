import { readPrompt } from '../../sessions/prompt.ts';
import { changedSinceMade } from '../../sessions/docker-file.ts';
import { resumeSession, type Resumed } from '../../sessions/resume.ts';
import { shellQuote } from '../../sys/shell-quote.ts';
import { agentLines, describeAgent } from '../agent-lines.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'resume [session]',
  changes: true,
  describe: 'Go on with a session: start its container again, and tell its agent more',
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {
    prompt: {
      alias: 'p',
      type: 'string',
      requiresArg: true,
      describe: 'What the agent is to do now; - reads it from stdin',
      defaultDescription: 'to go on where it stopped',
    },
    file: { alias: 'f', type: 'string', requiresArg: true, describe: 'The same from a file; - is stdin' },
  },
  examples: [
    ['$0 resume fix-login', 'after a reboot, or when the container was stopped'],
    ['$0 resume fix-login -p "Now write the tests"', 'when the agent has ended'],
    ['$0 resume -f review.md', 'from inside the worktree'],
  ],
  async run(args, app) {
    const prompt = await readPrompt(app, { text: args.prompt, file: args.file });
    const request = { session: args['session'] as string | undefined, prompt };
    const resumed = await resumeSession(app, request);
    const { record, container, agent } = resumed;
    const changed = await changedSinceMade(record);
    if (changed !== undefined) app.output.warn(changed);
    if (container === 'started') app.output.note(`Started the container ${record.container?.name ?? ''}`);
    if (container === 'unpaused') app.output.note(`Unpaused the container ${record.container?.name ?? ''}`);
    app.output.answer(
      {
        session: record.name,
        worktree: record.worktree_path,
        container: container === null ? null : { name: record.container?.name, was: container },
        agent: agent === undefined ? null : describeAgent(agent),
      },
      (paint) => text(resumed, paint.bold(record.name)),
    );
    return 0;
  },
});

function text({ record, container, agent }: Resumed, name: string): string {
  const { name: session, worktree_path: worktree } = record;
  const lines = [`Session ${name}`, `  worktree  ${worktree}`];
  if (record.container !== null) lines.push(`  container ${record.container.name} is running`);
  lines.push('');
  if (agent !== undefined) lines.push(...agentLines(session, agent, container !== null), '');
  if (container !== null) lines.push(`Work in it:  para docker exec ${session} -- sh`);
  lines.push(`Go there:    cd ${shellQuote(worktree)}`);
  if (agent === undefined) lines.push(`Or an agent: para resume ${session} -p "What is to be done"`);
  lines.push(`When done:   para finish "What was done" ${session}`);
  return lines.join('\n');
}
