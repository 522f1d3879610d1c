/**
 * Sends requests at `routedFetch`, at `routedModel` and at examples/worker in workerd while their upstream goes wrong in
 * every way, and keeps independent books: no request may be lost, no budget overspent, no prompt logged.
 *
 *     node benches/chaos.mjs [requests, 100000 unless given] [--seed 1] [--kinds fetch,model,worker]
 */

import { parseArgs } from 'node:util';
import { exit } from 'node:process';
import { chaos } from '../tests/js/support/chaos/run.mjs';

/** Share of the requests, and how many of them share a budget. */
const KINDS = { fetch: [0.4, 1000], model: [0.2, 1000], worker: [0.4, 4000] };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, kinds: { type: 'string', default: Object.keys(KINDS).join() } },
});
const seed = Number(values.seed);
const kinds = values.kinds.split(',');
const total = Number(positionals[0] ?? 100_000);
const shares = kinds.reduce((sum, kind) => sum + KINDS[kind][0], 0);

/** Counts, the most frequent first. */
function list(counts) {
  return Object.entries(counts).sort((a, b) => b[1] - a[1]).map(([name, times]) => `${name.split('\n')[0]} ${times}`).join(', ');
}

function report(kind, books, seconds) {
  console.log(`\n${kind}: ${books.sent} sent, ${books.ended} ended, ${seconds.toFixed(0)} s; upstream asked ${books.asked}; seed ${seed}`);
  console.log(`  lost ${books.sent - books.ended}, overspent ${books.overspent}, complaints ${books.complaints.length}`);
  console.log(`  budgets ${list(books.budgets)}; costs told ${books.feedbacks}`);
  console.log(`  outcomes: ${list(books.outcomes)}`);
  console.log(`  by the last fault of a request:`);
  for (const [fault, outcomes] of Object.entries(books.faults)) console.log(`    ${fault.padEnd(14)} ${list(outcomes)}`);
  console.log(`  logged: ${list(books.logged ?? {}) || 'nothing'}`);
  for (const complaint of books.complaints.slice(0, 20)) console.log(`  ! ${complaint.slice(0, 400)}`);
}

let wrong = 0;
for (const kind of kinds) {
  const [share, round] = KINDS[kind];
  const begun = performance.now();
  const books = await chaos({ seed, kind, requests: Math.round(total * share / shares), round });
  report(kind, books, (performance.now() - begun) / 1000);
  wrong += books.complaints.length;
}
exit(wrong > 0 ? 1 : 0);
