/** What goes wrong, as a client of OpenAI's protocol expects to hear of it: `{ error: { message, type, param, code } }`. */

/** What the package's own errors mean over HTTP; MISMATCH, BAD_ARTIFACT and ENGINE are this server's fault: 500. */
const STATUSES = { BAD_INPUT: 400, NO_ELIGIBLE: 400, INFEASIBLE: 400, MISMATCH: 500, BAD_ARTIFACT: 500, ENGINE: 500, IO: 503 };

/** An error with an answer of its own. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} code stable name of the kind of error
   * @param {string} message what is wrong, and what to do about it
   * @param {ErrorOptions} [options]
   */
  constructor(status, code, message, options) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

export function badConfig(message) {
  return new Problem(500, 'BAD_CONFIG', message);
}

export function badInput(message) {
  return new Problem(400, 'BAD_INPUT', message);
}

/** The answer to a request that failed. What nobody foresaw goes to the log, and none of it to the client. */
export function answerTo(error) {
  const status = error?.status ?? STATUSES[error?.code];
  if (status === undefined) console.error(error?.stack ?? error);
  else if (status === 500) console.error(`${error.code}: ${error.message}`);
  if (status === undefined) return errorResponse(500, 'INTERNAL', 'the router failed; its log says why');
  return errorResponse(status, error.code, error.message);
}

export function errorResponse(status, code, message) {
  return Response.json({ error: errorBody(status, code, message) }, { status });
}

export function errorBody(status, code, message) {
  return { message, type: typeOf(status), param: null, code };
}

function typeOf(status) {
  if (status === 401) return 'authentication_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
