/** The line to a thread: calls go out, answers come back, and when the line breaks, everyone who waits is told. */

import { PointsmanError, attempt } from '../error.js';
import { OPENING, revive } from './wire.js';

/**
 * @typedef {object} Thread
 * @property {(opening: import('./wire.js').Opening, moved: Transferable[]) => void} open sends the first message
 * @property {() => unknown} stop ends it; a promise waits for that where the runtime tells
 * @property {(busy: boolean) => void} hold whether somebody waits for it, so that the process must not end
 *
 * @typedef {(failed: (why: string) => void, port: MessagePort) => Thread} Start starts a thread and reports its death;
 *   `port` is the near end of the line
 *
 * @typedef {object} First
 * @property {object} options of the thread's `createRouter`
 * @property {Transferable[]} moved
 * @property {(progress: import('../index.js').Progress) => void} [onProgress]
 * @property {(tier: import('../index.js').Tier) => void} onTier
 */

export class Line {
  #waiting = new Map();
  #next = OPENING;
  #port;
  #thread;
  #onProgress;
  #onTier;
  /** @type {{ why: unknown, stopped: unknown } | undefined} */
  #broken;

  /**
   * Starts a thread, and a router on it.
   *
   * @param {Start} start
   * @param {First} first
   * @returns {Promise<{ line: Line, candidates: import('../index.js').Candidate[] }>}
   */
  static async open(start, { options, moved, onProgress, onTier }) {
    const { port1, port2 } = new MessageChannel();
    const line = attempt(() => new Line(start, port1, { onProgress, onTier }));
    const opening = { port: port2, options, reports: onProgress !== undefined };
    try {
      const candidates = await line.#ask('createRouter', () => line.#thread.open(opening, [port2, ...moved]));
      return { line, candidates };
    } catch (error) {
      await line.close(error);
      throw error;
    }
  }

  /** @private use `open` */
  constructor(start, port, { onProgress, onTier }) {
    this.#port = port;
    this.#onProgress = onProgress;
    this.#onTier = onTier;
    port.onmessage = ({ data }) => this.#receive(data);
    const failed = (why) => this.#break(new PointsmanError('ENGINE', `the router's thread ended: ${why}; create a new router`));
    this.#thread = start(failed, port);
  }

  /**
   * Calls a method of the thread's router.
   *
   * @param {string} method
   * @param {unknown[]} args
   * @param {object} [options]
   * @param {Transferable[]} [options.moved] what of the arguments is moved and not copied
   * @param {AbortSignal} [options.signal] rejects with its reason
   * @param {(progress: { done: number, total: number }) => void} [options.report] hears how far it is; where it throws, so
   *   does the call
   * @param {(value: any) => unknown} [options.arrived] sees every result, also one whose caller went away, and may change it
   * @returns {Promise<any>}
   */
  async call(method, args, { moved = [], signal, report, arrived } = {}) {
    const id = this.#next;
    const reports = report !== undefined;
    const answer = this.#ask(method, () => this.#port.postMessage({ id, method, args, reports }, moved), { report, arrived });
    return signal?.addEventListener ? this.#unless(signal, id, answer) : answer;
  }

  /** Ends the thread, and tells whoever still waits why. */
  async close(why) {
    this.#break(why);
    await this.#broken?.stopped;
  }

  /**
   * Sends a message that takes the next id, and waits for its answer.
   *
   * @param {string} method
   * @param {() => void} send
   * @param {{ report?: (progress: { done: number, total: number }) => void, arrived?: (value: any) => unknown }} [heard]
   * @returns {Promise<any>}
   */
  #ask(method, send, { report, arrived = (value) => value } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#broken) throw this.#broken.why;
      try {
        send();
      } catch (cause) {
        throw new PointsmanError('BAD_INPUT', `${method}: an argument cannot go to the thread: ${cause.message}`, { cause });
      }
      this.#waiting.set(this.#next, { resolve, reject, report, arrived });
      this.#next += 1;
      this.#thread.hold(true);
    });
  }

  #unless(signal, id, answer) {
    return new Promise((resolve, reject) => {
      const abort = () => {
        reject(signal.reason);
        this.#port.postMessage({ abort: id });
      };
      signal.addEventListener('abort', abort);
      answer.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
    });
  }

  /** @param {import('./wire.js').FromThread} message */
  #receive(message) {
    if ('of' in message) return this.#tell(this.#waiting.get(message.of), message.done);
    if ('progress' in message) return this.#report(message.progress);
    if ('tier' in message) return this.#onTier(message.tier);
    const { id, value, error, skipped } = message;
    const { resolve, reject, arrived } = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#thread.hold(this.#waiting.size > 0);
    if (error) reject(revive(error));
    else resolve(skipped ? undefined : arrived(value));
  }

  /** A callback that throws fails its call; what else comes of that is for nobody. */
  #tell({ report, reject }, done) {
    try {
      report(done);
    } catch (error) {
      reject(error);
    }
  }

  /** A callback that throws ends the loading, as it does on one thread. */
  #report(progress) {
    try {
      this.#onProgress(progress);
    } catch (error) {
      this.#break(error);
    }
  }

  #break(why) {
    if (this.#broken) return;
    this.#port.onmessage = null;
    this.#port.close();
    this.#broken = { why, stopped: this.#thread.stop() };
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }
}
