import { cacheDir, engineName } from '../app.ts';
import type { BoxCheck } from '../../sessions/box-checks.ts';
import { diagnoseBox } from '../../sessions/box-doctor.ts';
import { checkHere } from '../../sessions/doctor-here.ts';
import { diagnose, type Diagnosis } from '../../sessions/doctor.ts';
import type { Paint } from '../../ui/paint.ts';
import { EXIT } from '../../errors.ts';
import { display } from '../../ui/display.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'doctor',
  describe: 'Say what works on this machine and what does not',
  options: {
    session: {
      type: 'string',
      requiresArg: true,
      describe: 'Attack the container of this session as whatever runs in it could, and say what held',
    },
  },
  examples: [
    ['$0 doctor', ''],
    ['$0 doctor --engine podman --json', ''],
    ['$0 doctor --session fix-login', 'exit code 1 when something did not hold'],
  ],
  async run(args, app) {
    if (args.session !== undefined) return attack(app, args.session);
    const engines = await diagnose({
      runner: app.runner,
      env: app.env,
      cacheDir: cacheDir(app),
      wanted: engineName(args['engine']),
      caller: app.caller,
    });
    const here = await checkHere(app);
    const diagnosis = { usable: engines.usable, checks: [...here, ...engines.checks] };
    app.output.answer({ ...diagnosis }, (paint) => text(diagnosis, paint));
    const isGitWell = here.every(({ subject, findings }) => subject !== 'git' || findings[0]?.level === 'ok');
    return isGitWell ? (engines.usable ? 0 : EXIT.engine) : EXIT.git;
  },
});

async function attack(app: App, session: string): Promise<number> {
  const { checks, ...which } = await diagnoseBox(app, session);
  const broken = checks.filter(({ verdict }) => verdict === 'not held').length;
  app.output.answer({ ...which, held: broken === 0, checks }, (paint) =>
    [
      ...checks.map((check) => checkLine(check, paint)),
      '',
      broken === 0
        ? `The box of ${which.session} holds.`
        : `The box of ${which.session} does NOT hold: ${broken === 1 ? 'one promise is' : `${String(broken)} promises are`} broken.`,
    ].join('\n'),
  );
  return broken === 0 ? 0 : EXIT.failed;
}

function checkLine({ check, verdict, detail }: BoxCheck, paint: Paint): string {
  if (verdict === 'held') return `${paint.green('✓')} ${check}`;
  const seen = display(detail);
  if (verdict === 'not applicable') return paint.dim(`- ${check}: not applicable, ${seen}`);
  return `${paint.red('✗')} ${check}: ${paint.red('NOT HELD')}, ${seen}`;
}

function text(diagnosis: Diagnosis, paint: Paint): string {
  const mark = { ok: paint.green('✓'), warn: paint.yellow('▲'), fail: paint.red('✗') };
  const lines = diagnosis.checks.flatMap((group) => [
    paint.bold(group.subject),
    ...group.facts.map((fact) => `  ${fact.name.padEnd(15)} ${fact.value}`),
    ...group.findings.flatMap((finding) => [
      `  ${mark[finding.level]} ${finding.text}`,
      ...(finding.fix === undefined
        ? []
        : finding.fix.split('\n').map((line) => `      ${paint.cyan('↳')} ${line}`)),
    ]),
    '',
  ]);
  return lines.join('\n').trimEnd();
}
