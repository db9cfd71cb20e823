/**
 * The attacks that start in a container, on every engine, with default and with strict hardening. One session serves
 * many: what an attack leaves is taken away by the next one, or is what the next one builds on.
 *
 * `strict` differs by a read-only root and a small /tmp. What takes long and can use neither (git, and the files and bytes
 * that para reads, which come from the same mounts either way) is tried under strict in a full run alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isFull } from '../fault/cases.ts';
import { testEngines, testImages } from '../support/engines.ts';
import { openBridges } from '../support/firewall.ts';
import { mainCheckout } from '../support/look.ts';
import { ends, KEY, openBox, SECRET, TOKEN, until, type Box, type Hardening } from './box.ts';
import { attacks, NOT_ENFORCED } from './cases.ts';
import { GIT_VECTORS } from './git-vectors.ts';
import { STATUS_SHAPES } from './status-shapes.ts';

const STATUS = ['status', 'show', 's', '--json'];
const where = testEngines().flatMap((engine) =>
  (['default', 'strict'] as const).map((hardening) => [engine.id, hardening, engine] as const),
);

/** An image that has `nc`. */
const SMALL = ['--image', testImages().busybox];

/** What para paints with (src/ui/display.ts). */
const PAINT = new RegExp(`${String.fromCharCode(27)}\\[(?:1|2|22|3[0-7]|39|9[0-7])m`, 'g');

/** Bytes that a terminal obeys, wherever somebody inside can leave any. */
const HOSTILE = `n="$(printf 'n\\033]0;title\\007\\033[2J\\033]52;c;eA==\\007\\r\\302\\2330m\\342\\200\\256\\342\\200\\213')"
echo x >"$n"; git add -A 2>/dev/null; git commit -qm "$n"; git branch "b$(printf '\\302\\2330m')" 2>/dev/null
printf '{"status":"running","timestamp":"2026-01-02T03:04:05Z","phase":"x\\\\u001b[2J\\\\u009b0m","message":"be\\\\u001b]0;t\\\\u0007gin\\\\u202e end"}' >/run/para/out/status.json
printf '%s\\n' "$n" >/run/para/logs/agent-1.log; mkdir -p .para
printf %s '{"\\u001b[2J\\u009b0m\\u202ekey":1}' >.para/docker.json`;

/** What is left of its status. */
const SHOWN = { phase: 'x 0m', message: 'begin end' };
/** Takes it away. */
const TIDY =
  'git rm -q --cached -r --ignore-unmatch . >/dev/null; git add a.txt d in; git commit -qm tidy; rm -rf n* .para /run/para/out/status.json /run/para/logs/*';

/** All that only looks. What `logs`, `exec` and `attach` print is what somebody asked for, as it is. */
const READING: readonly string[] = [
  ...['list --all --size', 'monitor --once', 'docker list', 'docker stats', 'docker queue list s'],
];
/** What says the same whatever engine there is. */
const READING_ONCE: readonly string[] = [
  ...[
    'list',
    'status',
    'status show s',
    'docker trust s --show',
    'docker cleanup --dry-run',
    'clean --dry-run',
  ],
  ...['config show', 'config show --origin', 'doctor', 'doctor --session s', 'finish Done s --dry-run'],
  ...['cancel s --dry-run', 'docker start s --dry-run', 'docker exec no -- true', 'docker network log s'],
];

describe.each(where)('on %s, %s', (_id, hardening: Hardening, engine) => {
  let box: Box;
  beforeAll(async () => {
    box = await openBox(engine, hardening, ['--port', '8080', '--memory', '256m']);
    expect(
      await box.inside(
        'echo in >in && git add in && git commit -qm inside && cp -a /para/git /para/home/git',
      ),
    ).toMatchObject({ code: 0 });
  });
  afterAll(() => box.world.remove());
  /** What takes long, and what hardening can not change, is tried under strict in a full run alone. */
  const long: (name: string, work: () => Promise<unknown>) => void =
    hardening === 'default' || isFull ? test : () => undefined;
  long('A01–A12, A14: git', async () => {
    const before = await mainCheckout(box.world, box.repo);
    const names = `export W=/workspace H='${box.worktree}' G=/para/git R=/para M='${box.marker}' GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b`;
    const tidy = `rm -rf sub .husky common fake evil.sh .gitattributes .gitignore; find /para/git -mindepth 1 -delete; cp -a /para/home/git/. /para/git/`;
    await attacks(GIT_VECTORS, ({ id, plant }) =>
      box.on(id, async () => {
        await box.inside(`${names}\n${plant}`);
        await ends(box, ['list']);
        // What was damaged inside is refused, and stays.
        await ends(box, ['docker', 'sync', 's'], [0, 4]);
        expect(await box.inside(tidy)).toMatchObject({ code: 0 });
      }),
    );
    expect(await mainCheckout(box.world, box.repo)).toEqual(before);
  });

  test('A13: the masks, from inside', () =>
    box.on('A13', async () => {
      const tries = `cd /workspace; mv .git .g; cp -r .g .git; rm -rf .git; ln -sfn /tmp .git; mv -T d .git; echo x >.git; umount .git; umount -l .git
        mv /workspace /old; mv /para /old; mount -t tmpfs none /workspace; mount --bind /tmp /workspace; unshare -m true && echo unshared
        touch /para/objects/x; rm -rf /para/objects/pack; ln -s /tmp /para/objects/info/alternates; touch /run/para/cmd/x; rm -rf /run/para/cmd/queue
        echo x >/usr/local/bin/para-status; cat /workspace/.git`;
      const { stdout } = await box.inside(`(${tries}) 2>/dev/null`);
      expect(stdout).toBe('gitdir: /para/git\n');
      expect(readdirSync(join(box.repo, '.git/objects'))).not.toContain('x');
      expect(readdirSync(join(box.repo, '.para/state/docker/s/cmd'))).not.toContain('x');
    }));

  long('A15–A21: the status file', async () => {
    await attacks(STATUS_SHAPES, ({ id, make, reads }) =>
      box.on(id, async () => {
        const script = `cd /run/para/out; rm -rf status.json; ${make.replaceAll('SECRET', box.secret)}`;
        expect(await box.inside(script)).toMatchObject({ code: 0 });
        const started = performance.now();
        const { stdout, stderr } = await ends(box, STATUS);
        expect(performance.now() - started).toBeLessThan(15_000);
        expect(stdout + stderr).not.toContain(SECRET);
        expect([id, make, JSON.stringify(JSON.parse(stdout)).includes('"phase":"taken"')]).toEqual([
          id,
          make,
          reads,
        ]);
      }),
    );
  });

  long('A20: a status file that is swapped while it is read', () =>
    box.on('A20', async () => {
      const loop = `cd /run/para/out; rm -rf status.json; end=$(($(date +%s) + 4)); while [ $(date +%s) -lt $end ]; do
        ln -s ${box.secret} l; mv -f l status.json; echo '{"status":"running","timestamp":"2026-01-02T03:04:05Z","phase":"taken"}' >f; mv -f f status.json; mkfifo p; mv -f p status.json; done; rm -f status.json`;
      const swapping = box.inside(loop);
      for (let n = 0; n < 4; n += 1) expect((await ends(box, STATUS)).stdout).not.toContain(SECRET);
      await swapping;
    }),
  );

  test('A22, A24: links and special files in the worktree', () =>
    box.on('A22', async () => {
      await box.inside(
        `ln -s ${box.secret} leak; ln -s ${join(box.secret, '..')} out; mkdir kept; ln -s ${box.secret} kept/leak; echo kept >.gitignore`,
      );
      await box.on('A24', async () => {
        const made = await box.inside(
          'cp /bin/cat s; chmod 6755 s; mkfifo pipe; mknod device c 1 3; chown 0:0 s; ls device; grep CapEff /proc/self/status',
        );
        expect(made.stdout).toMatch(/^CapEff:\t0{16}\n$/);
      });
      for (const args of [
        ['list', '--size'],
        ['monitor', '--once'],
        ['docker', 'sync', 's'],
      ])
        await ends(box, args);
    }));

  test('A25: the agent writes settings', () =>
    box.on('A25', async () => {
      const volumes = JSON.stringify({
        volumes: [{ source: '/', target: '/h' }],
        network: { mode: 'bridge' },
        image: '--privileged',
      });
      const config = JSON.stringify({
        docker: { allowed_mounts: ['/'], hardening: 'off' },
        agent: { command: ['touch', box.marker] },
      });
      await box.inside(
        `mkdir -p .para; echo '${volumes}' >.para/docker.json; echo '${config}' >.para/config.json`,
      );
      const mounts = async (): Promise<readonly string[]> => {
        const text = await box.world.engine('inspect', '--format', '{{json .Mounts}}', box.container);
        return (JSON.parse(text) as { Source: string; Destination: string; RW: boolean }[])
          .map(({ Source, Destination, RW }) => `${Source} ${Destination} ${String(RW)}`)
          .sort();
      };
      const before = await mounts();
      await ends(box, ['docker', 'stop', 's', '--grace', '1']);
      await ends(box, ['docker', 'start', 's']);
      expect(await mounts()).toEqual(before);
      expect((await box.inside('ls -d /h')).code).not.toBe(0);
      await box.inside('rm -rf .para');
    }));

  test('A30: programs of the worktree on PATH', () =>
    box.on('A30', async () => {
      const names = 'docker podman git node tmux sh script env';
      await box.inside(
        `mkdir -p node_modules/.bin; for n in ${names}; do for d in . node_modules/.bin; do printf '#!/bin/sh\\ntouch ${box.marker}\\n' >$d/$n; chmod 755 $d/$n; done; done`,
      );
      const env = { PATH: `.:node_modules/.bin::${box.wrapper.env['PATH'] ?? ''}` };
      for (const args of [
        ['list'],
        ['docker', 'exec', 's', '--', 'true'],
        ['docker', 'sync', 's'],
        ['monitor', '--once'],
        ['doctor'],
      ]) {
        const ended = await box.para(args, { cwd: box.worktree, env });
        expect([args, ended.code, ended.stderr]).toEqual([args, 0, ended.stderr]);
      }
      await box.inside(`rm -rf node_modules ${names}`);
    }));

  test('A31: the environment of para', () =>
    box.on('A31', async () => {
      const seen = await box.inside('tr "\\0" "\\n" </proc/1/environ; env');
      expect(seen.stdout).toContain('PARA_SESSION=s');
      expect(seen.stdout + (await box.world.engine('inspect', box.container))).not.toContain(TOKEN);
    }));

  test('A32: a working directory that leads out', () =>
    box.on('A32', async () => {
      await box.inside('mkdir -p way; ln -sfn /proc/self/fd/8 way/out; ln -sfn /proc/1/root way/root');
      for (const directory of [
        '/proc/self/fd/7',
        '/proc/self/fd/8/..',
        '/workspace/../proc/1/cwd',
        'relative',
      ]) {
        const ended = await ends(
          box,
          ['docker', 'exec', '-w', directory, 's', '--', 'cat', `../../../../../..${box.secret}`],
          [2],
        );
        expect(ended.stdout).toBe('');
      }
      // A link is the engine's to follow, inside.
      for (const directory of ['/workspace/way/out', '/workspace/way/root']) {
        const ended = await box.para([
          'docker',
          'exec',
          '-w',
          directory,
          's',
          '--',
          'cat',
          `../../../../../..${box.secret}`,
        ]);
        expect([directory, ended.code === 0, ended.stdout.includes(SECRET)]).toEqual([
          directory,
          false,
          false,
        ]);
      }
      expect(await box.world.engine('inspect', '--format', '{{.Config.WorkingDir}}', box.container)).toBe(
        '/workspace',
      );
      await box.inside('rm -rf way');
    }));

  test('A33: commands that nobody queued', () =>
    box.on('A33', async () => {
      const row = JSON.stringify({
        commands: [
          { id: 'x', type: 'host', command: `touch ${box.marker}`, working_dir: '/proc/self/cwd/..' },
        ],
      });
      const planted =
        await box.inside(`for f in /run/para/cmd/commands.json /run/para/cmd/queue/1-000001-x.sh; do (echo '${row}' >$f) 2>/dev/null && echo $f; done
        mkdir -p /run/para/out/queue/x; echo '${row}' | tee /run/para/out/commands.json >/run/para/out/queue/x/exit; ln -sfn ${box.secret} /run/para/out/queue/x/stdout; :`);
      expect(planted.stdout).toBe('');
      const queue = await ends(box, ['docker', 'queue', 'list', 's', '--json']);
      expect(JSON.parse(queue.stdout)).toMatchObject({ commands: [] });
      await ends(box, ['docker', 'queue', 'result', 'x', 's'], [1]);
      await box.inside('rm -rf /run/para/out/queue/x /run/para/out/commands.json');
    }));

  test('A34: a runtime that is known for a way out', () =>
    box.on('A34', async () => {
      const { stdout } = await ends(box, ['doctor', '--engine', engine.engine, '--json']);
      const { checks } = JSON.parse(stdout) as {
        checks: { subject: string; facts: { name: string; value: string }[]; findings: { text: string }[] }[];
      };
      const check = checks.find(({ subject }) => subject === engine.engine);
      const [, minor = 0, patch = 0] =
        /^runc 1\.(\d+)\.(\d+)$/
          .exec(check?.facts.find(({ name }) => name === 'runtime')?.value ?? '')
          ?.map(Number) ?? [];
      const isOld = minor === 0 || (minor === 1 && patch < 12);
      expect(check?.findings.some(({ text }) => text.includes('CVE-2024-21626'))).toBe(isOld);
    }));

  test('A35: bytes that a terminal obeys', () =>
    box.on('A35', async () => {
      await box.inside(`${HOSTILE}; printf '%s' "$n" >&2; exit 1`);
      const said: string[] = [];
      for (const args of [
        ['list'],
        STATUS,
        ['status', 'show', 's'],
        ['monitor', '--once'],
        ['docker', 'list'],
        ['docker', 'sync', 's'],
      ]) {
        const ended = await box.para(args);
        said.push(ended.stdout, ended.stderr);
      }
      expect(said.join('')).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
      // It came as far as that, and what is harmless of it is shown.
      expect(said.slice(4, 6).join('')).toContain(SHOWN.phase);
      expect(said.slice(4, 6).join('')).toContain(SHOWN.message);
      await box.inside(TIDY);
    }));

  long('A35: the same on a terminal, in all that para shows', () =>
    box.on('A35', async () => {
      await box.inside(HOSTILE);
      await ends(box, ['docker', 'exec', '--detach', 's', '--', 'printf', '\u001b[2J\u009b0m\u202ex']);
      const lines = engine.id === testEngines()[0]?.id ? [...READING, ...READING_ONCE] : READING;
      const shown = lines.map(
        (line) => `echo "MARK ${line}"; '${process.execPath}' '${box.world.binary}' ${line}`,
      );
      const ended = await box.world.start(
        ['script', '-qec', `stty cols 200; ${shown.join('; ')}`, '/dev/null'],
        {
          cwd: box.repo,
          env: { SHELL: '/bin/sh', ...box.env },
          open: true,
        },
      ).ended;
      const said = ended.stdout.split(/^MARK /m).slice(1);
      expect(said).toHaveLength(lines.length);
      for (const text of said) {
        // Ends of lines as a terminal gets them, and the colours that para paints with.
        const plain = text.replaceAll('\r\n', '\n').replace(PAINT, '');
        expect(plain).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
        expect(plain).not.toMatch(/a bug in para/);
      }
      expect(ended.stdout).toMatch(PAINT);
      expect(said.find((text) => text.startsWith('monitor --once'))).toContain(SHOWN.phase);
      await box.inside(TIDY);
    }),
  );

  test('A37: secrets in what the engine tells', () =>
    box.on('A37', async () => {
      // No process holds the value while all of them are read.
      const own = `all=$(cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '); key=$(cat /run/secrets/key)
        echo "$key"; case $all in *"$key"*) echo known ;; *sh*) echo unknown ;; esac`;
      expect((await box.inside(own)).stdout).toBe(`${KEY}\nunknown\n`);
      const told = `(${['inspect', 'logs', 'export'].map((verb) => `${engine.engine} ${verb} "$0" 2>&1`).join('; ')}) | grep -acF "$1" || :`;
      expect(await box.world.out(['sh', '-c', told, box.container, KEY])).toBe('0');
      expect(box.wrapper.calls().join('\n')).not.toContain(KEY);
    }));

  test('A39: a terminal, and typing into the one around it', () =>
    box.on('A39', async () => {
      const type = `ioctl(STDIN, 0x5412, $_) for split //, "touch ${box.marker}\\n"; kill 9, $$`;
      const program = `'${process.execPath}' '${box.world.binary}' docker exec s -- sh -c 'stty raw -echo; exec perl -e "$0"' "$1"`;
      const script = `cd ..; stty -g >before; cd "$OLDPWD"; ${program}; echo "ended $?"; cd ..; stty -g >after; timeout 1 cat >typed; cmp before after && echo same`;
      // Not as a text: there `$$` is another one's word for `$`.
      const text = script.replaceAll('"$1"', () => `'${type}'`);
      const ended = await box.world.start(['script', '-qec', text, '/dev/null'], {
        cwd: box.repo,
        env: { SHELL: '/bin/sh', ...box.wrapper.env },
        open: true,
      }).ended;
      // It was there, and came as far as killing itself.
      expect(ended.stdout).toContain('ended 137');
      expect(ended.stdout).toContain('same');
      expect(readFileSync(join(box.repo, '../typed'), 'utf8')).toBe('');
    }));

  test('A41: another session', () =>
    box.on('A41', async () => {
      const other = await openBox(engine, hardening, [...SMALL, '--network', 'none']);
      try {
        const reach = await other.inside(
          `for a in $(ip -4 addr 2>/dev/null | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p') 10.88.0.1 172.17.0.1 10.0.2.2 192.0.2.1; do [ $a = 127.0.0.1 ] || (echo x | timeout 2 nc -w 1 $a 8080 && echo $a); done 2>/dev/null; ls /sys/class/net`,
        );
        expect(reach.stdout.trim()).toBe('lo');
        await other.inside('ls /workspace/../..; cat /proc/1/root/etc/hostname; kill -9 -1');
        await ends(box, ['docker', 'exec', 's', '--', 'true']);
      } finally {
        await other.world.remove();
      }
    }));

  long('A41: another session, both restricted', () =>
    box.on('A41', async () => {
      const closeBridges = openBridges(engine, '10.213.0.0/16');
      const allowed = ['--allow-domain', 'example.com', '--port', '8080'];
      const first = await openBox(engine, hardening, [...SMALL, ...allowed]);
      try {
        await ends(first, ['start', 't', '--docker', ...SMALL, ...allowed]);
        const rules = join(first.repo, '.para/state/docker/t/proxy/rules.json');
        const { address } = (JSON.parse(readFileSync(rules, 'utf8')) as { listen: { address: string } })
          .listen;
        const proxy = `${first.container.replace(/s$/, 't')}--proxy`;
        const published = (await first.world.engine('port', proxy, '8080')).split(':').at(-1) ?? '';
        const serve = 'while :; do echo neighbour | nc -l -p 8080; done';
        await ends(first, ['docker', 'exec', '--detach', 't', '--', 'sh', '-c', serve]);
        const last = Number(address.split('.').at(-1));
        const at = (by: number): string => address.replace(/\d+$/, String(last + by));
        const direct = [at(0), at(1), at(-1), '127.0.0.1', '10.0.2.2', '172.17.0.1'].flatMap((host) =>
          ['8080', '3128', published].map((port) => `(sleep 2 | timeout 3 nc -w 1 ${host} ${port}) &`),
        );
        const byProxy = [`${at(1)}:8080`, `${at(0)}:3128`, `127.0.0.1:${published}`, 't:8080'].map(
          (to) =>
            `(printf 'CONNECT ${to} HTTP/1.1\\r\\nHost: ${to}\\r\\n\\r\\n' | nc -w 5 para-proxy 3128 | head -n 1) &`,
        );
        const tried = await first.inside(
          `{ ${direct.join('\n')}\nwait; } 2>/dev/null; echo direct; { ${byProxy.join('\n')}\nwait; }`,
        );
        expect(tried.stdout).toMatch(/^direct\n(HTTP\/1\.1 403 .*\s+){4}$/);
        // It was there to be reached.
        const look = 'for n in 1 2 3 4 5; do sleep 1 | nc -w 2 127.0.0.1 8080 && exit; done';
        const own = await first.para(['docker', 'exec', 't', '--', 'sh', '-c', look]);
        expect(own.stdout).toBe('neighbour\n');
      } finally {
        closeBridges();
        await first.world.remove();
      }
    }),
  );

  test('A42: all of the processes, the memory and the disk', () =>
    box.on('A42', async () => {
      // The shell itself can not fork any more either: only its own words tell how many there are.
      const forks =
        '(i=0; while [ $i -lt 400 ]; do sleep 3 & i=$((i+1)); done) 2>/dev/null; set -- /proc/[0-9]*; echo $#';
      const made = Number((await box.inside(forks)).stdout);
      const hog =
        hardening === 'strict'
          ? 'dd if=/dev/zero of=/tmp/x bs=1M count=400; e=$?; rm -f /tmp/x; exit $e'
          : 'dd if=/dev/zero of=/dev/null bs=400M count=1';
      // Until the last of those processes has ended, nothing can be run beside them.
      await until(async () => (await box.inside(':')).code === 0);
      const memory = await box.inside(hog);
      // The box may have ended itself with it: that is all it could.
      await ends(box, ['list']);
      // What fills its memory may be a file in it, which outlives whom the kernel kills: then nothing runs there any more.
      await ends(box, ['docker', 'stop', 's']);
      await ends(box, ['docker', 'start', 's']);
      await ends(box, ['docker', 'exec', 's', '--', 'true']);
      // In memory, whatever an engine enforces.
      expect(
        (
          await box.inside(
            'dd if=/dev/zero of=/run/secrets/x bs=1M count=8; e=$?; rm -f /run/secrets/x; exit $e',
          )
        ).code,
      ).not.toBe(0);
      if (!box.isLimited) return NOT_ENFORCED;
      expect([made > 100, made <= 200, made]).toEqual([true, true, made]);
      expect([memory.code === 0, memory.stderr]).toEqual([false, memory.stderr]);
      return undefined;
    }));

  long('A43: a hundred thousand files, and logs that are none', () =>
    box.on('A43', async () => {
      const made = await box.inside(
        `cd /run/para/out && seq 100000 | xargs touch; cd /run/para/logs && seq -f %g.log 1000 | xargs touch; mkfifo z.log; ln -s ${box.secret} y.log; ls -f /run/para/out | wc -l`,
      );
      expect(Number(made.stdout)).toBeGreaterThanOrEqual(100_000);
      for (const args of [['list'], STATUS, ['monitor', '--once']]) {
        const started = performance.now();
        const { stdout } = await ends(box, args);
        expect([args, performance.now() - started < 15_000]).toEqual([args, true]);
        expect(stdout).not.toContain(SECRET);
      }
      await box.inside('find /run/para/out /run/para/logs -mindepth 1 -delete');
    }),
  );

  long('A44: output without end', () =>
    box.on('A44', async () => {
      const bytes = 1_000_000_000;
      // What para takes at most, looked at as long as it runs, and how much came out of it.
      const script = `mkfifo ../out; "$0" "$1" docker exec s -- sh -c 'yes | head -c ${String(bytes)}' >../out & p=$!
        wc -c <../out >../count & w=$!; while [ -d /proc/$p ] && grep VmHWM /proc/$p/status; do sleep 0.1; done; wait $p; e=$?; wait $w; cat ../count; exit $e`;
      const ended = await box.world.run(['sh', '-c', script, process.execPath, box.world.binary], {
        cwd: box.repo,
        env: box.wrapper.env,
      });
      expect([ended.code, ended.stderr]).toEqual([0, ended.stderr]);
      const taken = [...ended.stdout.matchAll(/(\d+) kB/g)].map(([, kilobytes]) => Number(kilobytes));
      expect(Number(ended.stdout.trim().split('\n').at(-1))).toBe(bytes);
      expect(taken.length).toBeGreaterThan(2);
      expect(Math.max(...taken)).toBeGreaterThan(10_000);
      expect(Math.max(...taken)).toBeLessThan(200_000);
    }),
  );

  test('A23, A38: the way out, and what is left of it all', () =>
    box.on('A23', async () => {
      await box.inside(
        `echo mine >mine; rm -rf kept; mkdir kept; echo own >kept/own; ln -s ${box.secret} kept/leak; ln -s ${join(box.secret, '..')} kept/out`,
      );
      await ends(box, ['cancel', 's', '--archive-ignored']);
      await ends(box, ['recover', 's']);
      expect(readFileSync(join(box.worktree, 'kept/own'), 'utf8')).toBe('own\n');
      await ends(box, ['finish', 'Rest', 's', '--archive-ignored']);
      expect(readFileSync(box.secret, 'utf8')).toBe(`${SECRET}\n`);
      const committed = await box.world.out(['git', 'ls-tree', '-r', 'para/s'], { cwd: box.repo });
      expect(committed).toMatch(/^120000 blob \w+\tleak$/m);
      expect(committed).toMatch(/^100755 blob \w+\ts$/m);
      expect(committed).toMatch(/^100644 blob \w+\tmine$/m);
      expect(committed).not.toMatch(/\t(pipe|device)$/m);
      expect(box.wrapper.calls().filter((call) => /^(cp|container cp|run) /.test(call))).toEqual([]);
      await box.on('A38', async () => {
        const found = await box.world.run([
          'grep',
          '-rlaE',
          `${TOKEN}|${SECRET}|${KEY}`,
          join(box.repo, '.para'),
          join(box.repo, '.git'),
          ...['cache', 'config', 'state', 'home', 'tmp'].map((name) => join(box.world.dir, name)),
        ]);
        expect([found.code, found.stdout]).toEqual([1, '']);
      });
    }));
});
