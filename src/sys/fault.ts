/**
 * Faults on request, so that tests can cut para short at every step: `PARA_FAULT=kill@3:after`. Steps are counted as
 * they are entered; a point that is never reached strikes nobody, which tells a test that it has seen them all.
 */
import { ParaError } from '../errors.ts';

type Moment = 'before' | 'during' | 'after';
type Kind = 'kill' | 'term' | 'int' | 'hup' | 'enospc';

const SIGNAL = { kill: 'SIGKILL', term: 'SIGTERM', int: 'SIGINT', hup: 'SIGHUP' } as const;

let armed: { readonly kind: Kind; readonly step: number; readonly moment: Moment } | undefined;
let step = 0;

/** Reads PARA_FAULT. @throws USAGE when it is none */
export function armFault(text: string | undefined): void {
  step = 0;
  armed = undefined;
  if (text === undefined || text === '') return;
  const [, kind, number, moment] =
    /^(kill|term|int|hup|enospc)@(\d+):(before|during|after)$/.exec(text) ?? [];
  if (kind === undefined) throw new ParaError('USAGE', `PARA_FAULT=${JSON.stringify(text)} is no fault`);
  armed = { kind: kind as Kind, step: Number(number), moment: moment as Moment };
}

/** A step begins. */
export function stepEntered(): void {
  step += 1;
  strike('before');
}

/** A process was started; its end is not known yet. */
export function processStarted(): void {
  strike('during');
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
  process.kill(process.pid, SIGNAL[kind]);
}
