/** How long recent calls took: a ring of the last durations, and its percentiles. */

const WINDOW = 1024;

export class Latency {
  #recent = new Float64Array(WINDOW);
  calls = 0;

  /** @param {number} ms */
  record(ms) {
    this.#recent[this.calls % WINDOW] = ms;
    this.calls += 1;
  }

  /**
   * The nearest-rank percentile of the recent calls, or 0 before the first.
   *
   * @param {number} p from 0 to 100
   */
  percentile(p) {
    const sorted = this.#recent.slice(0, this.calls).sort();
    return sorted.length === 0 ? 0 : sorted[Math.ceil((p / 100) * sorted.length) - 1];
  }
}
