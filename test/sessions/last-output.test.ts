import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DockerService } from '../../src/docker/service.ts';
import type { AgentRecord } from '../../src/config/generated/types.ts';
import { readLastOutput, type OutputContext } from '../../src/sessions/last-output.ts';
import { placesOf, saveRecord, type SessionRecord } from '../../src/sessions/store.ts';
import { sessionRecord } from '../support/record.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let temp: TempRepo;
let logs: string;
let time = 0;
let asked: string[];
beforeEach(async () => {
  temp = tempRepo();
  asked = [];
  time = 0;
  const places = placesOf(temp.root);
  logs = join(places.docker('fix'), 'logs');
  mkdirSync(logs, { recursive: true });
  const container = {
    ...{ name: 'para-x-fix', engine: 'docker', binary: '/bin/docker', endpoint: 'local', image: 'i' },
    ...{ image_source: 'flag', network: 'none', hardening: 'default', git: 'off' },
  } as NonNullable<SessionRecord['container']>;
  await saveRecord(places, sessionRecord(temp.root, 'fix', { container }));
  await saveRecord(places, sessionRecord(temp.root, 'bare'));
});
afterEach(() => {
  temp.remove();
});

function reader(): (session: string) => Promise<readonly string[]> {
  const service = {
    logs: ({ container }: { container: string }) => {
      asked.push(container);
      return Promise.resolve(`look ${String(asked.length)}\n`);
    },
  };
  return readLastOutput({
    cwd: temp.root,
    dockerFor: () => Promise.resolve(service as unknown as DockerService),
    now: () => new Date(time),
  } as unknown as OutputContext);
}

/** Its agent is in this run. */
function agentIn(run: number): void {
  const record: AgentRecord = {
    ...{ schema: 1, id: '11111111-1111-4111-8111-111111111111', run, command: ['agent'] },
    ...{ container: 'para-x-fix', started_at: '2026-01-01T00:00:00.000Z' },
  };
  const cmd = join(logs, '../cmd');
  mkdirSync(cmd, { recursive: true });
  writeFileSync(join(cmd, 'agent.json'), JSON.stringify(record));
}

test('the newest log on the host, its end, without empty lines; no engine is asked', async () => {
  const read = reader();
  agentIn(1);
  writeFileSync(join(logs, 'setup.log'), 'set up\n');
  writeFileSync(join(logs, 'agent-1.log'), `${'x'.repeat(40_000)}\n\none\n\ntwo`);
  utimesSync(join(logs, 'setup.log'), 1, 1);
  const lines = await read('fix');
  expect(lines.slice(1)).toEqual(['one', 'two']);
  expect(lines[0]?.length).toBeLessThanOrEqual(16 * 1024);
  expect(asked).toEqual([]);
});

test('of the agent the run that it is in; what the container puts beside it is not looked at', async () => {
  agentIn(2);
  for (const name of ['agent-1', 'agent-2', 'agent-3', 'agent', 'any'])
    writeFileSync(join(logs, `${name}.log`), `${name}\n`);
  utimesSync(join(logs, 'agent-2.log'), 1, 1);
  expect(await reader()('fix')).toEqual(['agent-2']);
});

test('a link in the place of a log is not followed', async () => {
  agentIn(1);
  symlinkSync('/etc/passwd', join(logs, 'agent-1.log'));
  expect(await reader()('fix')).toEqual(['look 1']);
});

test('without a log its container is asked, now and then', async () => {
  const read = reader();
  expect([await read('fix'), await read('fix')]).toEqual([['look 1'], ['look 1']]);
  time = 10_000;
  expect(await read('fix')).toEqual(['look 2']);
  expect(asked).toEqual(['para-x-fix', 'para-x-fix']);
});

test('a session without either printed nothing', async () => {
  expect(await reader()('bare')).toEqual([]);
});
