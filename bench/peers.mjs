/** Other tools on the same work, beside the same raw call. A peer that is not installed (bench/peers.sh) has no row. */
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const has = (program, { env }) =>
  spawnSync(program, ['--version'], { env, stdio: 'ignore' }).error === undefined;

/** @returns rows, and how to take away what they left */
export function peerRows(bench, id) {
  const { engine, image } = bench;
  const dir = join(bench.own, 'peer');
  mkdirSync(dir, { recursive: true });
  chownSync(dir, bench.options.uid ?? 0, bench.options.gid ?? 0);
  const context = { ...bench, dir, raw: rawCalls({ engine, image, dir }) };
  const peers = {
    docker: [devcontainer, compose, testcontainers],
    podman: [compose],
    rootless: [distrobox, toolbox],
  };
  const found = peers[id].map((peer) => peer(context)).filter((peer) => peer !== undefined);
  return { rows: found.flatMap(({ rows }) => rows), tidy: () => found.forEach(({ tidy }) => tidy()) };
}

/** What the peers are compared with: one container with the directory in it, made and started by one call. */
function rawCalls({ engine, image, dir }) {
  const name = `para-bench-raw-${process.pid}`;
  const up = [engine, 'run', '-d', '--init', '--name', name, '-v', `${dir}:/work`, image, 'sleep', '1000000'];
  const down = [engine, 'rm', '-f', ...(engine === 'podman' ? ['-t', '0'] : []), name];
  return { name, up, down, exec: [engine, 'exec', name, 'true'] };
}

/** The rows that most peers have: bring a container up, run something in it. */
function rowsOf({ raw, run, engine }, peer, { up, exec, down }) {
  const quiet = (argv) => () => run(...argv);
  const tidy = (argv) => (argv === undefined ? undefined : quiet(argv));
  return [
    {
      ...{ name: `${peer}: up`, floor: `${engine} run -d` },
      para: { run: () => up, after: tidy(down) },
      raw: { run: () => raw.up, after: quiet(raw.down) },
    },
    {
      ...{ name: `${peer}: exec true`, floor: `${engine} exec` },
      first: () => [up, raw.up].forEach((argv) => run(...argv)),
      last: () => [down, raw.down].forEach((argv) => run(...argv)),
      para: { run: () => exec },
      raw: { run: () => raw.exec },
    },
  ];
}

function devcontainer(context) {
  const cli = join(context.peers, 'node_modules/.bin/devcontainer');
  if (!existsSync(cli)) return undefined;
  const { dir, image, engine } = context;
  mkdirSync(join(dir, '.devcontainer'), { recursive: true });
  writeFileSync(
    join(dir, '.devcontainer/devcontainer.json'),
    JSON.stringify({ image, overrideCommand: true }),
  );
  const of = (verb, ...rest) => [process.execPath, cli, verb, '--workspace-folder', dir, ...rest];
  const down = [
    'sh',
    '-c',
    `${engine} rm -f $(${engine} ps -aq --filter label=devcontainer.local_folder=${dir})`,
  ];
  return {
    rows: rowsOf(context, 'devcontainer', { up: of('up'), exec: of('exec', 'true'), down }),
    tidy() {},
  };
}

function compose(context) {
  const program = `${context.engine}-compose`;
  if (!has(program, context.options)) return undefined;
  const file = join(context.dir, 'compose.yaml');
  const service = { image: context.image, init: true, command: 'sleep 1000000', volumes: ['.:/work'] };
  writeFileSync(file, JSON.stringify({ version: '3.7', services: { s: service } }));
  const of = (...rest) => [program, '-f', file, ...rest];
  const lines = { up: of('up', '-d'), exec: of('exec', '-T', 's', 'true'), down: of('down', '-t', '0') };
  return { rows: rowsOf(context, basename(program), lines), tidy() {} };
}

/** It has no command line: start, exec and stop in one program, beside the same three calls. */
function testcontainers(context) {
  const entry = join(context.peers, 'node_modules/testcontainers/build/index.js');
  if (!existsSync(entry)) return undefined;
  const { dir, image, raw } = context;
  const script = `const { GenericContainer: C } = require(${JSON.stringify(entry)});
    (async () => {
      const c = await new C(${JSON.stringify(image)}).withCommand(['sleep', '1000000']).withBindMounts([{ source: ${JSON.stringify(dir)}, target: '/work' }]).start();
      await c.exec(['true']);
      await c.stop({ timeout: 0 });
    })()`;
  const three = [raw.up, raw.exec, raw.down].map((argv) => argv.join(' ')).join(' && ');
  const row = {
    ...{ name: 'testcontainers: up, exec, down', floor: 'run -d, exec, rm -f' },
    para: { run: () => ['env', 'TESTCONTAINERS_RYUK_DISABLED=true', process.execPath, '-e', script] },
    raw: { run: () => ['sh', '-c', three] },
  };
  return { rows: [row], tidy() {} };
}

/** Debian's, which wants an image that has what its start-up looks for. */
const BOX = 'localhost/para-bench/box:1';

function distrobox(context) {
  const { run, options } = context;
  if (!has('distrobox', options) || !hasBox(context)) return undefined;
  const create = ['distrobox', 'create', '--yes', '--image', BOX, '--name', 'para-bench-dbx'];
  const exec = ['distrobox', 'enter', '--no-tty', 'para-bench-dbx', '--', 'true'];
  const tidy = () => run('podman', 'rm', '-f', '-t', '0', 'para-bench-dbx');
  return { rows: [enterRow(context, 'distrobox: enter, true', { create, exec, tidy })], tidy() {} };
}

/** Wants a D-Bus system socket to mount; a private one does. */
function toolbox(context) {
  const { run, options, own } = context;
  if (!has('toolbox', options) || !hasBox(context)) return undefined;
  const bus = `unix:path=${join(own, 'bus')}`;
  const daemon = spawn('dbus-daemon', ['--session', '--nofork', `--address=${bus}`], {
    ...options,
    stdio: 'ignore',
  });
  const of = (...rest) => [
    'env',
    'SHELL=/bin/bash',
    `DBUS_SYSTEM_BUS_ADDRESS=${bus}`,
    `DBUS_SESSION_BUS_ADDRESS=${bus}`,
    'toolbox',
    ...rest,
  ];
  const create = of('create', '-y', '-i', BOX, 'para-bench-tb');
  const exec = of('run', '-c', 'para-bench-tb', 'true');
  const tidy = () => run('podman', 'rm', '-f', '-t', '0', 'para-bench-tb');
  return {
    rows: [enterRow(context, 'toolbox: run true', { create, exec, tidy })],
    tidy: () => daemon.kill(),
  };
}

const hasBox = ({ options }) =>
  spawnSync('podman', ['image', 'exists', BOX], { ...options, stdio: 'ignore' }).status === 0;

/** The first entry sets the box up, and is not what is measured. */
function enterRow({ raw, run }, name, { create, exec, tidy }) {
  return {
    ...{ name, floor: 'podman exec' },
    first: () => [create, exec, raw.up].forEach((argv) => run(...argv)),
    last: () => (tidy(), run(...raw.down)),
    para: { run: () => exec },
    raw: { run: () => raw.exec },
  };
}
