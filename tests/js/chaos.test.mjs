/** Upstreams and callers that go wrong by chance: every request ends, no budget is overspent, no prompt is logged. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Accountant } from './support/chaos/accountant.mjs';
import { chaos } from './support/chaos/run.mjs';

/** Seeds of which a round has a tight budget and an upstream that bills its failures; benches/chaos.mjs runs longer. */
const RUNS = {
  fetch: { seed: 6, requests: 500, round: 250 },
  model: { seed: 12, requests: 300, round: 150 },
  worker: { seed: 1, requests: 300, round: 300 },
};

for (const [kind, size] of Object.entries(RUNS)) {
  test(`${kind}: ${size.requests} requests end well, with seed ${size.seed}`, async () => {
    const { complaints, sent, ended, outcomes, faults, feedbacks } = await chaos({ kind, ...size, patienceMs: 1000 });
    assert.deepEqual(complaints, []);
    assert.deepEqual([sent, ended], [size.requests, size.requests]);
    // Not because nothing happened.
    assert.ok(outcomes.answer > 0.2 * sent && feedbacks > 0.1 * sent, JSON.stringify(outcomes));
    assert.ok(Object.keys(faults).length > 15, JSON.stringify(faults));
  });
}

describe('the books', () => {
  const body = { model: 'a', messages: [{ role: 'user', content: 'one two three' }], max_tokens: 10 };
  const open = (limitUsd) => {
    const books = new Accountant([{ id: 'a', usdPerMtokIn: 1e6, usdPerMtokOut: 2e6, expectedOutputTokens: 1 }]);
    const purse = { limitUsd, billedUsd: 0, isHarsh: false };
    books.send({ id: 1, isRouted: true, isOdd: false, purse, canAbort: false });
    return { books, purse };
  };

  test('take a question for the most that it can cost, until its bill is known', () => {
    const { books, purse } = open(100);
    const { bill, used } = books.ask({ id: 1, fault: 'well', body: { ...body, max_completion_tokens: 20, n: 2, tools: [{ description: 'four more words here' }] } });
    assert.equal(purse.billedUsd, 3 + 1 + 4 + 2 * 2 * 20); // the role is a word, too
    bill(used('an answer'));
    assert.equal(purse.billedUsd, 8 + 2 * 2);
    assert.deepEqual(books.complaints, []);
  });

  test('complain where more is charged than the budget has, or than the router has committed', () => {
    const { books, purse } = open(23);
    books.ask({ id: 1, fault: 'well', body });
    assert.deepEqual([books.overspent, purse.billedUsd], [1, 24]);
    books.audit(purse, { limitUsd: 23, committedUsd: 23 });
    assert.deepEqual([books.overspent, books.complaints.length], [2, 2]);
  });

  test('complain of an end that does not fit what the upstream did', () => {
    for (const [fault, kind, isRight] of [['well', 'answer', true], ['halfClosed', 'answer', false], ['well', 'broken', false], ['well', 'untyped', false], ['well', 'aborted', false], ['well', 'refused', true]]) {
      const { books } = open(100);
      books.ask({ id: 1, fault, body });
      books.end(1, { kind });
      assert.equal(books.complaints.length, isRight ? 0 : 1, `${fault}: ${kind}`);
    }
  });
});
