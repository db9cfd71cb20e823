import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Conversation } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { detection, runPara, type EngineCall } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

const PINNED = `docker.io/library/node@sha256:${'b'.repeat(64)}`;
const inspected = (...digests: readonly string[]): EngineCall => ({
  argv: ['docker', 'image', 'inspect', '--', 'node:22'],
  stdout: JSON.stringify([{ Id: `sha256:${'a'.repeat(64)}`, Config: {}, RepoDigests: digests }]),
});

test('--pin: the container is made of the digest, which the record has', async () => {
  const docker = new Conversation(repo);
  const ran = await runPara(repo, 'start fix --image node:22 --pin --json', {
    calls: [
      ...[
        ...detection('docker'),
        docker.imageThere('node:22'),
        inspected(`other/x@sha256:${'c'.repeat(64)}`, PINNED),
      ],
      ...[docker.networkThere(), docker.create({ image: PINNED }), docker.start()],
    ],
  });
  expect(ran).toMatchObject({ code: 0 });
  const shown = JSON.parse(ran.stdout) as { session: { container: object } };
  expect(shown.session.container).toMatchObject({ image: PINNED, pinned_from: 'node:22' });
  const record = readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8');
  expect((JSON.parse(record) as { container: object }).container).toMatchObject({
    ...{ image: PINNED, pinned_from: 'node:22', image_source: '--image' },
  });
  expect(repo.run(['log', '-1', '--format=%B', 'refs/para/meta/fix'])).toContain(PINNED);
});

test('an image of which the engine knows no digest: it says so, and nothing is made', async () => {
  const docker = new Conversation(repo);
  const before = footprint(repo);
  const ran = await runPara(repo, 'start fix --image node:22 --pin', {
    calls: [...detection('docker'), docker.imageThere('node:22'), inspected()],
  });
  expect(ran.stderr).toContain('docker knows no digest of node:22');
  expect(ran.stderr).toContain('start without --pin');
  expect(ran.code).toBe(10);
  expect(footprint(repo)).toEqual(before);
});
