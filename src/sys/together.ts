/** Work that runs at the same time, and ends together. */

/**
 * Like `Promise.all`, but nothing goes on behind the caller's back: all have come to their end when this has.
 * @throws the error of the first that failed, in the order of the list
 */
export async function together<const Work extends readonly unknown[]>(
  work: Work,
): Promise<{ -readonly [I in keyof Work]: Awaited<Work[I]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
