/** The one error type of this package, and how faults of the engine become one. */

/** Codes that the engine itself gives to its errors; anything else it throws is a fault. */
const ENGINE_CODES = new Set([
  'BAD_ARTIFACT', 'MISMATCH', 'BAD_INPUT', 'BAD_LOG', 'NO_ELIGIBLE', 'INFEASIBLE', 'ENGINE', 'IO',
]);

export class PointsmanError extends Error {
  name = 'PointsmanError';

  /**
   * @param {string} code stable name of the kind of error
   * @param {string} message what is wrong, and what to do about it
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}

/** @param {string} message */
export function badInput(message) {
  return new PointsmanError('BAD_INPUT', message);
}

/**
 * What the wasm module threw, as a PointsmanError. A trap or an error without a code
 * is the engine's fault and not the caller's.
 *
 * @param {unknown} thrown
 */
export function fromEngine(thrown) {
  const { code, message } = Object(thrown);
  if (ENGINE_CODES.has(code)) return new PointsmanError(code, message, { cause: thrown });
  return new PointsmanError('ENGINE', `the engine failed: ${message ?? thrown}`, { cause: thrown });
}

/**
 * Whether what the wasm module threw is no error of the engine's own, but the end of its instance.
 *
 * @param {unknown} thrown
 */
export function isFault(thrown) {
  return !ENGINE_CODES.has(Object(thrown).code);
}

/** Runs a call into wasm, so that whatever it throws comes out as a PointsmanError. */
export function attempt(call) {
  try {
    return call();
  } catch (thrown) {
    throw fromEngine(thrown);
  }
}
