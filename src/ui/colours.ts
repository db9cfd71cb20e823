/** The colours of a terminal: the sixteen that each has. */
import { Chalk } from 'chalk';
import type { Paint } from './paint.ts';

export const PAINTED: Paint = new Chalk({ level: 1 });
