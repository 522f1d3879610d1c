/** An isolate's part in learning: it hears outcomes, and trades what it learned from them for what all have learned. */

import { Problem, badInput } from './errors.js';

/** What was learned is delivered after so many outcomes, or so long after the first. */
const PUSH_AFTER = 25;
const PUSH_AFTER_MS = 5000;

/** How old what others learned may be. */
const PULL_AFTER_MS = 30_000;

/** A request's work after its answer ends after 30 seconds; what seems to be under way longer was cut off. */
const LONGEST_MS = 30_000;

export class Share {
  #router;
  #isolate = crypto.randomUUID();
  /** Keys of the outcomes that are in what the router has not drained. */
  #keys = [];
  /** What was drained and perhaps not delivered. */
  #parcel;
  #version = 0;
  #pulledAt = 0;
  /** Until when a delivery is planned or under way. */
  #busyUntil = 0;

  /** @param {import('pointsman').Router} router one that learns `shared` */
  constructor(router) {
    this.#router = router;
  }

  /**
   * Learns from an outcome, once.
   *
   * @param {any} learner the stub of the Durable Object, which belongs to one request
   * @param {{ key: string, receipt: Uint8Array }} decision
   * @param {{ score?: number, usd?: number }} outcome
   */
  async hear(learner, { key, receipt }, outcome) {
    const isNew = await learner.redeem(key, this.#isolate, receipt, outcome).catch(unreachable);
    if (!isNew) throw new Problem(409, 'REDEEMED', 'id: this decision had its feedback');
    try {
      this.#learn(key, receipt, outcome);
    } catch (error) {
      await learner.release(key, this.#isolate).catch(() => {}); // else another isolate will try, and fail alike
      throw error;
    }
  }

  /**
   * Sees to it that what was learned gets away and what others learned gets here, after the answer.
   *
   * @param {{ waitUntil(work: Promise<unknown>): void }} ctx
   */
  tend(ctx, learner, now = Date.now()) {
    if (now < this.#busyUntil) return;
    const isDue = this.#keys.length >= PUSH_AFTER || now - this.#pulledAt > PULL_AFTER_MS;
    if (!isDue && this.#keys.length === 0 && !this.#parcel) return;
    this.#busyUntil = now + LONGEST_MS;
    ctx.waitUntil(this.#tradeLater(learner, isDue ? 0 : PUSH_AFTER_MS));
  }

  async #tradeLater(learner, ms) {
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    try {
      await this.trade(learner);
      this.#busyUntil = 0;
    } catch (error) {
      this.#busyUntil = Date.now() + PUSH_AFTER_MS;
      console.error('what was learned is kept for the next try:', error.message);
    }
  }

  /**
   * Pulls before it pushes: what is pushed now is in the merged state only after the Learner's alarm, and a state
   * without it would take its place here until then.
   */
  async trade(learner) {
    await this.#deliver(learner);
    await this.#pull(learner);
    if (this.#keys.length > 0) this.#parcel = { keys: this.#keys.splice(0), delta: this.#router.drainState() };
    await this.#deliver(learner);
  }

  async #deliver(learner) {
    const parcel = this.#parcel;
    if (!parcel) return;
    // Not taken means that it was before, or that others have its outcomes now: either way it is done with.
    await learner.push(this.#isolate, parcel.keys, parcel.delta);
    if (this.#parcel === parcel) this.#parcel = undefined;
  }

  async #pull(learner) {
    const { version, state, orphans } = await learner.pull(this.#isolate, this.#version);
    if (state) this.#router.replaceState(state);
    [this.#version, this.#pulledAt] = [version, Date.now()];
    for (const { key, receipt, outcome } of orphans) {
      try {
        this.#learn(key, receipt, outcome);
      } catch (error) {
        console.error('an outcome that another isolate left cannot be learned from:', error.message);
      }
    }
  }

  #learn(key, receipt, outcome) {
    this.#router.feedback(receipt, outcome);
    this.#keys.push(key);
  }

  stats() {
    return { isolate: this.#isolate, undelivered: this.#keys.length + (this.#parcel?.keys.length ?? 0), version: this.#version };
  }
}

/** An outcome as the router takes it; what it would refuse must not enter the journal. */
export function readOutcome({ score, usd }) {
  const isIn = (value, most) => value === undefined || (typeof value === 'number' && value >= 0 && value <= most);
  if (!isIn(score, 1)) throw badInput('score: expected a number from 0 to 1');
  if (!isIn(usd, Number.MAX_VALUE)) throw badInput('usd: expected what the call cost, in US dollars');
  if (score === undefined && usd === undefined) throw badInput('feedback: give score, usd or both; a decision has one feedback');
  return { ...(score !== undefined && { score }), ...(usd !== undefined && { usd }) };
}

function unreachable(cause) {
  throw new Problem(503, 'IO', 'the learner cannot be reached; send this feedback again', { cause });
}
