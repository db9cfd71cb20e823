/** Takes para's commands in a container and says what it does (docs/status-protocol.md). Run it with PARA_RUNNER=off. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';

const out = process.env.PARA_STATUS_DIR ?? '/run/para/out';
const cmd = process.env.PARA_COMMAND_DIR ?? '/run/para/cmd';

/** Never half written: under another name first. */
function put(file, text) {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}

function say(phase, current, total) {
  const timestamp = new Date().toISOString();
  put(
    `${out}/status.json`,
    JSON.stringify({ timestamp, status: 'running', phase, progress: { current, total } }),
  );
}

function claim(id) {
  try {
    mkdirSync(`${out}/queue/${id}`);
    return true;
  } catch {
    return false; // Somebody has it.
  }
}

function run({ id, command, args, working_dir: cwd = '/workspace', env, timeout_seconds: limit }) {
  const job = `${out}/queue/${id}`;
  const [file, ...rest] = args === undefined ? ['sh', '-c', command] : [command, ...args];
  const stdio = ['ignore', openSync(`${job}/stdout`, 'a'), openSync(`${job}/stderr`, 'a')];
  const child = spawn(file, rest, { cwd, stdio, env: { ...process.env, ...env } });
  const end = (reason) => {
    put(`${job}/reason`, `${reason}\n`);
    child.kill('SIGTERM');
  };
  const timer = limit === undefined ? undefined : setTimeout(() => end('timeout'), limit * 1000);
  const look = setInterval(() => existsSync(`${cmd}/queue/${id}.cancel`) && end('cancelled'), 1000);
  return new Promise((resolve) => {
    const done = (code) => {
      clearTimeout(timer);
      clearInterval(look);
      put(`${job}/exit`, `${code}\n`);
      resolve(code);
    };
    child.once('error', () => done(127));
    child.once('exit', (code) => done(code ?? 143));
  });
}

mkdirSync(`${out}/queue`, { recursive: true });
for (let done = 0; ;) {
  const file = `${cmd}/commands.json`;
  const { commands } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { commands: [] };
  const waiting = commands
    .filter(
      ({ id, type }) =>
        type === 'exec' && !existsSync(`${out}/queue/${id}`) && !existsSync(`${cmd}/queue/${id}.cancel`),
    )
    .sort((a, b) => (a.priority ?? 5) - (b.priority ?? 5));
  if (waiting.length === 0) {
    say('waiting', done, done);
    await sleep(1000);
  } else if (claim(waiting[0].id)) {
    say(`running ${waiting[0].id}`, done, done + waiting.length);
    await run(waiting[0]);
    done += 1;
  }
}
