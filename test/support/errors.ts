/**
 * Waits for a promise to be refused, and says what with.
 *
 * @param type the class that the error has to be of
 */
export async function thrownBy<E extends Error>(
  type: abstract new (...args: never[]) => E,
  promise: Promise<unknown>,
): Promise<E> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof type) return error;
    throw error;
  }
  throw new Error(`nothing was thrown where ${type.name} was expected`);
}
