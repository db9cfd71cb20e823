/** A repository of its own for one engine's user, with nothing in the environment that slows node. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const benchDir = process.env['PARA_BENCH_DIR'] || join(tmpdir(), 'para-bench');
/** The tests' engines by name, as scripts/engines.sh wrote them down. */
export const known = JSON.parse(readFileSync(join(benchDir, 'bench.json'), 'utf8'));

/** Makes it in `own`. An `id` of '' is no engine; `extra` adds to what is committed. */
export function place({ id, own, main, extra }) {
  const { uid = 0, gid = 0, user = 'root', env: engineEnv } = known[id] ?? {};
  const repo = join(own, 'repo');
  mkdirSync(repo, { recursive: true });
  for (const path of [own, repo]) chownSync(path, uid, gid);
  const binary = id === 'docker' ? 'docker' : 'podman';
  const env = {
    ...{ PATH: process.env['PATH'], HOME: own, XDG_CACHE_HOME: join(own, 'cache') },
    ...{ PARA_ENGINE: binary, ...engineEnv },
    ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: join(own, 'gitconfig') },
  };
  writeFileSync(env.GIT_CONFIG_GLOBAL, '[user]\n\tname = Ann\n\temail = ann@example.test\n');
  chmodSync(env.GIT_CONFIG_GLOBAL, 0o644);
  const options = { cwd: repo, env, ...(user === 'root' ? {} : { uid, gid }) };
  const run = (file, ...args) => {
    const ended = spawnSync(file, args, { ...options, encoding: 'utf8', maxBuffer: 2 ** 26 });
    if (ended.status !== 0) throw new Error(`${[file, ...args].join(' ')}: ${ended.status}\n${ended.stderr}`);
    return ended;
  };
  extra?.(repo);
  run(
    ...['sh', '-ec'],
    'git init -q; for i in $(seq 60); do echo "$i" >"$i.txt"; done; git add .; git commit -qm first',
  );
  const repoId = createHash('sha256').update(join(repo, '.git')).digest('hex').slice(0, 8);
  return {
    ...{ id, repo, own, run, options, engine: binary, image: known.images.busybox },
    peers: join(benchDir, 'peers'),
    para: (...args) => [process.execPath, main, ...args],
    container: (session) => `para-${repoId}-${session}`,
    psFormat: binary === 'docker' ? '{{json .}}' : 'json',
    tidy: () => removeAll(binary, repoId, options),
  };
}

function removeAll(binary, repoId, options) {
  const call = (...args) => execFileSync(binary, args, { ...options, encoding: 'utf8' });
  const list = (...args) =>
    call(...args, '--filter', `label=para.repo=${repoId}`)
      .split('\n')
      .filter(Boolean);
  const now = binary === 'podman' ? ['-t', '0'] : [];
  const containers = list('ps', '-aq');
  if (containers.length > 0) call('rm', '-f', ...now, ...containers);
  const networks = list('network', 'ls', '-q');
  if (networks.length > 0) call('network', 'rm', ...networks);
}
