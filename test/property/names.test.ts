import { expect } from '@jest/globals';
import fc from 'fast-check';
import { parseImageReference } from '../../src/docker/image-ref.ts';
import { containerName } from '../../src/docker/spec.ts';
import { ParaError } from '../../src/errors.ts';
import { isSessionName, parseSessionName } from '../../src/sessions/name.ts';
import { placesOf } from '../../src/sessions/store.ts';
import { fuzz } from './fuzz.ts';
import { nastyText } from './inputs.ts';

const almost = fc.string({
  unit: fc.constantFrom('a', 'b', 'z', '0', '9', '-', 'A', '.', '/', '_', 'é', ' '),
  maxLength: 42,
});
const likely = fc.string({ unit: fc.constantFrom('a', 'b', '1', '-'), minLength: 1, maxLength: 41 });
const name = fc.oneof(
  likely,
  almost,
  nastyText,
  fc.constantFrom('con', 'head', 'main', 'shared', 'HEAD', 'nul'),
);

/** What a refusal suggests to type. */
function suggested(text: string): string | undefined {
  try {
    parseSessionName(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof ParaError)) throw error;
    expect(error.code).toBe('NAME_INVALID');
    expect(error.hint).toBeDefined();
    return /^para start (.+)$/m.exec(error.hint ?? '')?.[1];
  }
}

/** Every name that a session gives to something. */
function made(session: string): readonly string[] {
  const places = placesOf('/r');
  return [
    containerName('0123abcd', session),
    places.record(session),
    places.worktree(session),
    places.docker(session),
  ];
}

function checkName(text: string): void {
  if (!isSessionName(text)) {
    const other = suggested(text);
    expect(other === undefined || isSessionName(other)).toBe(true);
    return;
  }
  expect(parseSessionName(text)).toBe(text);
  const [container = '', ...paths] = made(text);
  // A host name and a DNS label.
  expect(container).toMatch(/^para-[0-9a-f]{8}-[a-z0-9-]+$/);
  expect(container.length).toBeLessThanOrEqual(63);
  for (const path of paths) expect(path).toMatch(/^\/r\/\.para\/(state|worktrees)\/[a-z0-9/.-]+$/);
}

/** An image that is taken can be no flag, and nothing that a line would split. */
function checkImage(text: string): void {
  try {
    expect(parseImageReference(text)).toMatch(/^[^-\s\p{Cc}][^\s\p{Cc}]*$/u);
  } catch (error) {
    if (!(error instanceof ParaError)) throw error;
    expect(error).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('node:22') as unknown });
  }
}

fuzz('P7', 'names come through as they are, and no two things get one', fc.tuple(name, name), ([a, b]) => {
  for (const text of [a, b]) {
    checkName(text);
    checkImage(text);
  }
  if (isSessionName(a) && isSessionName(b) && a.toLowerCase() !== b.toLowerCase())
    expect(made(a).filter((one) => made(b).includes(one))).toEqual([]);
  return isSessionName(a);
});
