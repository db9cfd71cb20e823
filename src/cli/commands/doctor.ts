import { cacheDir, engineName } from '../app.ts';
import { checkHere } from '../../sessions/doctor-here.ts';
import { diagnose, type Diagnosis } from '../../sessions/doctor.ts';
import type { ChalkInstance } from 'chalk';
import { EXIT } from '../../errors.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'doctor',
  describe: 'Say what works on this machine and what does not',
  options: {},
  examples: [
    ['$0 doctor', ''],
    ['$0 doctor --engine podman --json', ''],
  ],
  async run(args, app) {
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

function text(diagnosis: Diagnosis, paint: ChalkInstance): string {
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
