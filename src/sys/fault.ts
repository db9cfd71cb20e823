/**
 * Faults on request, so that tests can cut para short at every step: `PARA_FAULT=kill@3:after`. Steps are counted as
 * they are entered; a point that is never reached strikes nobody, which tells a test that it has seen them all.
 * `hang` and `lie` strike the next process that is started: it is stopped, or its exit code is told turned round.
 */
import { ParaError } from '../errors.ts';

type Moment = 'before' | 'during' | 'after';
type Kind = 'kill' | 'term' | 'int' | 'hup' | 'enospc' | 'hang' | 'lie';

const SIGNAL = { kill: 'SIGKILL', term: 'SIGTERM', int: 'SIGINT', hup: 'SIGHUP' } as const;

let armed: { readonly kind: Kind; readonly step: number; readonly moment: Moment } | undefined;
let step = 0;
/** What strikes the next process. */
let waiting: 'hang' | 'lie' | undefined;
/** The process whose exit code is turned round. */
let liar: number | undefined;

/** Reads PARA_FAULT. @throws USAGE when it is none */
export function armFault(text: string | undefined): void {
  step = 0;
  armed = waiting = liar = undefined;
  if (text === undefined || text === '') return;
  const [, kind, number, moment] =
    /^(kill|term|int|hup|enospc|hang|lie)@(\d+):(before|during|after)$/.exec(text) ?? [];
  if (kind === undefined) throw new ParaError('USAGE', `PARA_FAULT=${JSON.stringify(text)} is no fault`);
  armed = { kind: kind as Kind, step: Number(number), moment: moment as Moment };
}

/** A step begins. */
export function stepEntered(): void {
  step += 1;
  strike('before');
}

/** A process was started; its end is not known yet. */
export function processStarted(pid: number): void {
  strike('during');
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
  strike('after');
}

function strike(moment: Moment): void {
  if (armed?.step !== step || armed.moment !== moment) return;
  const { kind } = armed;
  armed = undefined;
  if (kind === 'enospc')
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  if (kind === 'hang' || kind === 'lie') waiting = kind;
  else process.kill(process.pid, SIGNAL[kind]);
}
