/**
 * Faults on request, so that tests can cut para short anywhere: `PARA_FAULT=kill@3:after`, or `kill@3:during.2` as the
 * step has just started its second process. Steps and their processes are counted as they are entered; what comes
 * before the first step belongs to step 0. `PARA_FAULT=points` prints each point as it is passed, which tells a test
 * where it can strike.
 * `hang` and `lie` strike the next process that is started: it is stopped, or its exit code is told turned round.
 */
import { ParaError } from '../errors.ts';

type Kind = 'kill' | 'term' | 'int' | 'hup' | 'enospc' | 'hang' | 'lie';

const SIGNAL = { kill: 'SIGKILL', term: 'SIGTERM', int: 'SIGINT', hup: 'SIGHUP' } as const;

let armed: { readonly kind: Kind; readonly point: string } | undefined;
let listing = false;
let step = 0;
/** Of this step, so far. */
let processes = 0;
/** What strikes the next process. */
let waiting: 'hang' | 'lie' | undefined;
/** The process whose exit code is turned round. */
let liar: number | undefined;

/** Reads PARA_FAULT. @throws USAGE when it is none */
export function armFault(text: string | undefined): void {
  step = processes = 0;
  armed = waiting = liar = undefined;
  listing = text === 'points';
  if (listing || text === undefined || text === '') return;
  const [, kind, point = ''] =
    /^(kill|term|int|hup|enospc|hang|lie)@(\d+:(?:before|after|during(?:\.\d+)?))$/.exec(text) ?? [];
  if (kind === undefined) throw new ParaError('USAGE', `PARA_FAULT=${JSON.stringify(text)} is no fault`);
  armed = { kind: kind as Kind, point: point.replace(/during$/, 'during.1') };
}

/** A step begins. */
export function stepEntered(): void {
  step += 1;
  processes = 0;
  pass('before');
}

/** A process was started; its end is not known yet. */
export function processStarted(pid: number): void {
  processes += 1;
  pass(`during.${String(processes)}`);
  if (waiting === 'hang') process.kill(pid, 'SIGSTOP');
  else if (waiting === 'lie') liar = pid;
  waiting = undefined;
}

/** The exit code of a process, as para is told it. */
export function toldExitCode(pid: number | undefined, exitCode: number | undefined): number | undefined {
  if (pid !== liar || exitCode === undefined) return exitCode;
  liar = undefined;
  return exitCode === 0 ? 1 : 0;
}

/** A step has come to its end. */
export function stepDone(): void {
  pass('after');
}

function pass(moment: string): void {
  const point = `${String(step)}:${moment}`;
  if (listing) process.stderr.write(`fault point ${point}\n`);
  if (armed?.point !== point) return;
  const { kind } = armed;
  armed = undefined;
  if (kind === 'enospc')
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  if (kind === 'hang' || kind === 'lie') waiting = kind;
  else process.kill(process.pid, SIGNAL[kind]);
}
