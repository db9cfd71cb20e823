import { parseSize } from '../../config/size.ts';
import { parseEnv, parsePort } from '../../docker/publish.ts';
import { parseVolume } from '../../docker/mounts.ts';
import { ParaError } from '../../errors.ts';
import { readEnvFile, resolveEnv } from '../../sessions/env-file.ts';
import type { ContainerFlags } from '../../sessions/container-plan.ts';
import { undoCutShort } from '../../sessions/cut-short.ts';
import { newStartState, startSteps } from '../../sessions/start-steps.ts';
import { planStart, requireFree, type StartPlan } from '../../sessions/start.ts';
import { lockSession } from '../../sessions/store.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';
import { shellQuote } from '../../sys/shell-quote.ts';

const strings = {
  type: 'string',
  array: true,
  nargs: 1,
  default: [] as string[],
  requiresArg: true,
} as const;

export default defineCommand({
  command: 'start [name]',
  describe: 'Start a session: worktree, branch and, with --docker, a container',
  positionals: { name: { describe: 'Name of the session; without one, para makes a readable one' } },
  options: {
    docker: {
      alias: ['container', 'c'],
      type: 'boolean',
      describe: 'With a container (--no-docker: without); implied by the options of the container',
      defaultDescription: 'docker.enabled',
    },
    image: { alias: 'docker-image', type: 'string', requiresArg: true, describe: 'Image of the container' },
    env: { ...strings, describe: 'Environment of the container: NAME=VALUE, or NAME to pass yours' },
    'env-file': { ...strings, describe: 'File of NAME=VALUE lines' },
    port: { ...strings, describe: 'Publish a port on 127.0.0.1: [HOST:]CONTAINER[/udp]' },
    volume: { ...strings, describe: 'Mount a host directory: SOURCE:TARGET[:ro]' },
    cpus: { type: 'string', requiresArg: true, describe: 'CPUs, such as 1.5' },
    memory: { type: 'string', requiresArg: true, describe: 'Memory, such as 512m or 4g' },
    base: {
      type: 'string',
      requiresArg: true,
      describe: 'Branch or commit to start from',
      defaultDescription: 'HEAD',
    },
    'dry-run': { type: 'boolean', default: false, describe: 'Say what would be made, and make nothing' },
  },
  examples: [
    ['$0 start fix-login', 'a worktree and the branch para/fix-login'],
    ['$0 start fix-login --docker', 'and a container, image by the kind of project'],
    ['$0 start api --docker --image node:22 --port 3000 --memory 2g', ''],
  ],
  async run(args, app) {
    const flags = await containerFlags(args, app);
    const request = {
      name: args['name'] as string | undefined,
      base: args.base,
      docker: wantsContainer(args),
      flags,
    };
    const onWait = (owner: { pid: number }): void => {
      app.output.note(`Waiting for another para (pid ${String(owner.pid)})`);
    };
    if (!args['dry-run'] && (await undoCutShort(app, request.name, onWait)))
      app.output.note(`Took back an earlier start of ${request.name ?? ''} that was cut short`);
    const plan = await planStart(app, request);
    const free = plan.container?.notEnforced ?? [];
    if (free.length > 0) app.output.note(`The engine does not enforce limits on ${free.join(', ')} here`);
    if (args['dry-run']) {
      app.output.answer({ dry_run: true, plan: describe(plan) }, () => `Would start ${summary(plan)}`);
      return 0;
    }
    const state = newStartState(plan);
    await lockSession(plan.places, plan.session, { what: 'starts the session', onWait }, async () => {
      await requireFree(plan);
      await app.run(startSteps(plan), state);
    });
    app.output.answer({ session: describe(plan) }, (paint) => text(plan, paint.bold(plan.session)));
    return 0;
  },
});

interface Flags {
  readonly image: string | undefined;
  readonly env: readonly string[];
  readonly 'env-file': readonly string[];
  readonly port: readonly string[];
  readonly volume: readonly string[];
  readonly cpus: string | undefined;
  readonly memory: string | undefined;
}

/** A word about the container asks for one. @throws USAGE when it is at once refused */
function wantsContainer(args: Flags & { readonly docker: boolean | undefined }): boolean | undefined {
  const options = ['image', 'env', 'env-file', 'port', 'volume', 'cpus', 'memory'] as const;
  const given = options.find((name) => (args[name] ?? []).length > 0);
  if (given === undefined || args.docker === true) return args.docker;
  if (args.docker === undefined) return true;
  throw new ParaError('USAGE', `--${given} is about the container, and --no-docker wants none`, {
    hint: 'para start --help',
  });
}

async function containerFlags(args: Flags, app: App): Promise<ContainerFlags> {
  const files = await Promise.all(args['env-file'].map((file) => readEnvFile(file, app.cwd, app.env)));
  return {
    image: args.image,
    env: Object.assign({}, ...files, resolveEnv(args.env.map(parseEnv), app.env)) as Record<string, string>,
    ports: args.port.map(parsePort),
    volumes: args.volume.map(parseVolume),
    cpus: args.cpus === undefined ? undefined : parseCpus(args.cpus),
    memoryBytes: args.memory === undefined ? undefined : parseSize(args.memory),
  };
}

function parseCpus(text: string): number {
  const cpus = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (cpus >= 0.01 && cpus <= 4096) return cpus;
  throw new ParaError('USAGE', `--cpus ${JSON.stringify(text)} is not a number of CPUs`, {
    hint: '--cpus 1.5',
  });
}

function describe({ session, branch, base, worktree, record }: StartPlan): Record<string, unknown> {
  return { name: session, branch, base, worktree, container: record.container };
}

function summary({ session, branch, record }: StartPlan): string {
  const container =
    record.container === null
      ? ''
      : `, container ${record.container.name} from ${record.container.image} (${record.container.image_source})`;
  return `${session}: branch ${branch}${container}`;
}

function text({ session, branch, worktree, record }: StartPlan, name: string): string {
  const lines = [`Session ${name}`, `  branch    ${branch}`, `  worktree  ${worktree}`];
  if (record.container !== null) {
    lines.push(
      `  container ${record.container.name} (${record.container.engine}, ${record.container.image}, ${record.container.image_source})`,
    );
    lines.push('', `Work in it:  para docker exec ${session} -- sh`);
  }
  lines.push(
    record.container === null
      ? `\nGo there:    cd ${shellQuote(worktree)}`
      : `Go there:    cd ${shellQuote(worktree)}`,
    `When done:   para finish "What was done" ${session}`,
  );
  return lines.join('\n');
}
