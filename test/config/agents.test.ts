import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chooseAgent, type AgentCommands } from '../../src/config/agents.ts';
import { checkConfig, refuseUserOnly } from '../../src/config/check.ts';
import { loadConfig } from '../../src/config/load.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-agents-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

interface Files {
  readonly user?: object;
  readonly project?: object;
}

/** The agent that these two `agent` sections lead to. */
async function chosen({ user, project }: Files, inContainer: boolean): Promise<AgentCommands> {
  const [userFile, projectFile] = [join(dir, 'user.json'), join(dir, 'project.json')];
  writeFileSync(userFile, JSON.stringify({ agent: user }));
  writeFileSync(projectFile, JSON.stringify({ agent: project }));
  return chooseAgent(await loadConfig({ userFile, projectFile }), inContainer);
}

const MINE = { command: ['mine', '{prompt}'] };
const THEIRS = { command: ['theirs', '{prompt}'], resume_command: ['theirs', '--more', '{prompt}'] };
const none = { resumeCommand: undefined };

test.each([
  ['nobody else names one', { user: MINE }, { ...none, command: MINE.command }],
  ['a project does too: its own is not run here', { user: MINE, project: THEIRS }, { command: MINE.command }],
])('on this machine the user’s own agent runs; %s', async (_what, files, expected) => {
  expect(await chosen(files, false)).toMatchObject(expected);
});

test('on this machine a project’s agent never runs, and the error says so', async () => {
  for (const project of [THEIRS, { preset: 'claude' }])
    await expect(chosen({ project }, false)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${join(dir, 'project.json')} names an agent, but what runs on this machine only your own settings may name`,
      hint: expect.stringContaining('--docker') as unknown,
    });
});

test('in a container the project’s agent runs, whole: nothing of the user’s is mixed into it', async () => {
  const resumeCommand = THEIRS.resume_command;
  expect(await chosen({ user: MINE, project: THEIRS }, true)).toEqual({
    command: THEIRS.command,
    resumeCommand,
  });
  expect(await chosen({ user: THEIRS, project: MINE }, true)).toEqual({ ...none, command: MINE.command });
  expect(await chosen({ user: THEIRS }, true)).toEqual({ command: THEIRS.command, resumeCommand });
});

test.each([true, false])('nobody names one (in a container: %s)', async (inContainer) => {
  await expect(chosen({ user: { resume_command: ['a', '{prompt}'] } }, inContainer)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'no agent is configured',
    hint: expect.stringContaining('para config set agent.preset') as unknown,
  });
});

describe('presets', () => {
  const schema = JSON.parse(readFileSync('schemas/config.schema.json', 'utf8')) as {
    properties: { agent: { properties: { preset: { enum: readonly string[] } } } };
  };
  const names = schema.properties.agent.properties.preset.enum;

  test.each(names)('%s: both command lines take the prompt, without a terminal', async (preset) => {
    const { command, resumeCommand } = await chosen({ user: { preset } }, false);
    expect(command[0]).toBe(preset);
    expect(resumeCommand?.[0]).toBe(preset);
    expect(resumeCommand).not.toEqual(command);
    // What holds for a command of one's own holds for these too.
    const own = { agent: { command: [...command], resume_command: [...(resumeCommand ?? [])] } };
    expect(checkConfig('file', own)).toEqual(own);
  });

  test('a command of one’s own does not get the follow-up of a preset', async () => {
    const user = { preset: 'claude', command: ['claude', '--model', 'opus', '-p', '{prompt}'] };
    expect(await chosen({ user }, false)).toEqual({ ...none, command: user.command });
    const resume = { ...user, resume_command: ['claude', '-c', '-p', '{prompt}'] };
    expect((await chosen({ user: resume }, false)).resumeCommand).toEqual(resume.resume_command);
  });
});

test('the settings say whose file named the agent, once', async () => {
  const [userFile, projectFile] = [join(dir, 'user.json'), join(dir, 'project.json')];
  writeFileSync(userFile, JSON.stringify({ agent: THEIRS }));
  writeFileSync(projectFile, JSON.stringify({ agent: MINE }));
  const { config, origin } = await loadConfig({ userFile, projectFile });
  expect(config.agent).toEqual(MINE);
  expect([...origin].filter(([path]) => path.startsWith('agent'))).toEqual([['agent.command', projectFile]]);
});

test('a project can not allow its own setup script', () => {
  expect(() => {
    refuseUserOnly('p.json', { session: { setup_allowed: ['/repo'] } });
  }).toThrow('session.setup_allowed: a project may not set this');
});
