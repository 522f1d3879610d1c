/**
 * The one place where what all isolates learn comes together: a Durable Object, so that there is a single writer. It keeps
 * a journal of feedback beside the merged state. An outcome is in the journal before its client hears "heard", and leaves
 * it in the same transaction in which its share of the state arrives: whatever is sent twice, or never, counts once.
 */

import { DurableObject } from 'cloudflare:workers';
import { TOKEN_DAYS } from './token.js';

/** SQLite rows here hold 2 MB; a state is one row. */
export const MOST_STATE_BYTES = 1.9e6;

/** How long to wait for more before merging. */
const MERGE_AFTER_MS = 1000;
const MERGED_AT_ONCE = 64;

/** So often an outcome that nobody delivered is handed on; then it cannot be learned from. */
const MOST_HANDED = 3;
const HANDED_AT_ONCE = 50;

const TABLES = `
  CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS merged (place INTEGER PRIMARY KEY CHECK (place = 1), state BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS pending (number INTEGER PRIMARY KEY AUTOINCREMENT, delta BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS journal (
    key TEXT PRIMARY KEY, isolate TEXT NOT NULL, since INTEGER NOT NULL, handed INTEGER NOT NULL DEFAULT 0,
    learned INTEGER NOT NULL DEFAULT 0, receipt BLOB, outcome TEXT) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS by_age ON journal (since);
  CREATE INDEX IF NOT EXISTS open ON journal (since) WHERE learned = 0;
`;

/**
 * @param {(states: Uint8Array[]) => Promise<Uint8Array>} mergeStates how states are added; all else is bookkeeping
 */
export const learnerOf = (mergeStates) => class Learner extends DurableObject {
  #sql;
  #orphanMs;

  constructor(ctx, env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(TABLES);
    this.#orphanMs = 1000 * (env.ORPHAN_SECONDS ?? 300);
  }

  /**
   * Enters an outcome, which the isolate must then learn from. False where the decision had its outcome before.
   *
   * @param {string} key
   * @param {string} isolate
   * @param {Uint8Array} receipt
   * @param {object} outcome
   */
  redeem(key, isolate, receipt, outcome) {
    if (this.#rows('SELECT 1 FROM journal WHERE key = ?', key).length > 0) return false;
    this.#sql.exec('INSERT INTO journal (key, isolate, since, receipt, outcome) VALUES (?, ?, ?, ?, ?)',
      key, isolate, Date.now(), receipt, JSON.stringify(outcome));
    return true;
  }

  /** Takes back what the isolate could not learn from. */
  release(key, isolate) {
    this.#sql.exec('DELETE FROM journal WHERE key = ? AND isolate = ? AND learned = 0', key, isolate);
  }

  /**
   * What an isolate learned from exactly these outcomes. One that arrived before, or of which an outcome was handed to
   * another isolate in the meantime, is not taken; what is still open of it will be handed on.
   *
   * @param {string} isolate
   * @param {string[]} keys
   * @param {Uint8Array} delta
   */
  async push(isolate, keys, delta) {
    if (delta.byteLength > MOST_STATE_BYTES) throw new RangeError(`a state of ${delta.byteLength} bytes does not fit a row: learn with fewer dimensions`);
    const list = JSON.stringify(keys);
    const isTaken = this.ctx.storage.transactionSync(() => {
      const mine = 'key IN (SELECT value FROM json_each(?)) AND isolate = ? AND learned = 0';
      if (this.#count(`journal WHERE ${mine}`, list, isolate) !== keys.length) return false;
      this.#sql.exec(`UPDATE journal SET learned = 1, receipt = NULL, outcome = NULL WHERE ${mine}`, list, isolate);
      this.#sql.exec('INSERT INTO pending (delta) VALUES (?)', delta);
      this.#add('feedbacks', keys.length);
      return true;
    });
    if (isTaken && await this.ctx.storage.getAlarm() === null) await this.ctx.storage.setAlarm(Date.now() + MERGE_AFTER_MS);
    return isTaken;
  }

  /**
   * The merged state, where it is another than the isolate has, and outcomes whose isolate is gone.
   *
   * @param {string} isolate
   * @param {number} version what it has
   */
  pull(isolate, version) {
    const now = this.#number('version');
    return { version: now, state: now === version ? undefined : this.state(), orphans: this.#adopt(isolate) };
  }

  /** The merged state; nothing where nobody has learned yet. */
  state() {
    const [row] = this.#rows('SELECT state FROM merged');
    return row && new Uint8Array(row.state);
  }

  stats() {
    return {
      feedbacks: this.#number('feedbacks'),
      open: this.#count('journal WHERE learned = 0'),
      pending: this.#count('pending'),
      refused: this.#number('refused'),
      lost: this.#number('lost'),
      version: this.#number('version'),
      stateBytes: this.#rows('SELECT length(state) AS bytes FROM merged')[0]?.bytes ?? 0,
      databaseBytes: this.#sql.databaseSize,
    };
  }

  /** Merges what has arrived, and forgets decisions that are too old for feedback. */
  async alarm() {
    const rows = this.#rows('SELECT number, delta FROM pending ORDER BY number LIMIT ?', MERGED_AT_ONCE);
    let [state, refused] = [this.state(), 0];
    for (const { number, delta } of rows) {
      const sum = await this.#sum(state, new Uint8Array(delta), number);
      [state, refused] = sum ? [sum, refused] : [state, refused + 1];
    }
    this.ctx.storage.transactionSync(() => {
      if (rows.length > refused) this.#keep(state);
      this.#add('refused', refused);
      this.#sql.exec('DELETE FROM pending WHERE number <= ?', rows.at(-1)?.number ?? 0);
      this.#forget(Date.now() - (TOKEN_DAYS + 1) * 86_400_000);
    });
    if (this.#count('pending') > 0) await this.ctx.storage.setAlarm(Date.now());
  }

  /** Nothing where the delta is no state of these candidates and dimensions: it must not block those behind it. */
  async #sum(state, delta, number) {
    return mergeStates(state ? [state, delta] : [delta]).catch((error) => {
      if (!['BAD_ARTIFACT', 'MISMATCH', 'BAD_INPUT'].includes(error.code)) throw error;
      console.error(`the learner leaves out what arrived as ${number}: ${error.message}`);
      return undefined;
    });
  }

  #keep(state) {
    this.#sql.exec('INSERT OR REPLACE INTO merged (place, state) VALUES (1, ?)', state);
    this.#add('version', 1);
  }

  /** By then no token is taken any more, so that none can be taken twice. */
  #forget(before) {
    this.#add('lost', this.#count('journal WHERE learned = 0 AND since < ?', before));
    this.#sql.exec('DELETE FROM journal WHERE since < ?', before);
  }

  /** Hands outcomes to this isolate that another one took and did not deliver in time. */
  #adopt(isolate) {
    const before = Date.now() - this.#orphanMs;
    const rows = this.#rows(
      `SELECT key, receipt, outcome FROM journal
       WHERE learned = 0 AND since < ? AND isolate <> ? AND handed < ? ORDER BY since LIMIT ?`,
      before, isolate, MOST_HANDED, HANDED_AT_ONCE);
    for (const { key } of rows) {
      this.#sql.exec('UPDATE journal SET isolate = ?, since = ?, handed = handed + 1 WHERE key = ?', isolate, Date.now(), key);
    }
    return rows.map(({ key, receipt, outcome }) => ({ key, receipt: new Uint8Array(receipt), outcome: JSON.parse(outcome) }));
  }

  #rows(query, ...values) {
    return this.#sql.exec(query, ...values).toArray();
  }

  #count(from, ...values) {
    return this.#rows(`SELECT count(*) AS n FROM ${from}`, ...values)[0].n;
  }

  #number(name) {
    return this.#rows('SELECT value FROM numbers WHERE name = ?', name)[0]?.value ?? 0;
  }

  #add(name, amount) {
    this.#sql.exec('INSERT INTO numbers VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value', name, amount);
  }
};
