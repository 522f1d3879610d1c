/** A decision in words. */

/** What decided, after the name of the choice. */
const REASONS = {
  utility: 'it has the greatest utility',
  budget: 'one of greater utility would cost more than maxUsd or the budget allows',
  'only-eligible': 'no other candidate may answer this request',
  'low-confidence': 'the prompt is unlike all that the router was trained on, so no estimate is trusted',
  'no-text': 'the prompt holds pictures or files alone, so there is no text to judge',
  guarantee: 'nothing cheaper is proven to be as good as the best single candidate',
  pinned: 'the caller pinned it',
  session: 'this conversation is in its prompt cache, and a switch would gain less than that is worth',
  explore: 'it is tried in order to learn; others promise more',
  assigned: 'it is part of the plan for a batch',
  'fallback-error': 'the engine failed, so nothing was judged',
};

const BARS = {
  context: 'context too short, or unknown',
  capability: 'lacks a needed ability',
  price: 'too dear',
  allow: 'not allowed',
};

/**
 * @param {import('./index.js').Decision} decision
 * @returns {string}
 */
export function explain({ model, reason, scores, propensity, truncated, error }) {
  const lines = [`${model}: ${REASONS[reason]}${error ? ` (${error.message})` : ''}.`];
  const order = [...scores].sort((a, b) => Number(a.ineligible !== undefined) - Number(b.ineligible !== undefined) || b.utility - a.utility);
  for (const score of order) lines.push(line(score, score.model === model));
  if (propensity < 1) lines.push(`Chosen with probability ${propensity.toFixed(3)}.`);
  if (truncated) lines.push('The prompt was longer than the embedder reads: its beginning and its end decided.');
  return lines.join('\n');
}

/** @param {import('./index.js').Score} score */
function line({ model, quality, spread, usd, utility, ineligible }, chosen) {
  const judged = `quality ${percent(quality)} (spread ${percent(spread)}), $${usd.toPrecision(3)}, utility ${utility.toFixed(4)}`;
  return `${chosen ? '>' : ' '} ${model}: ${judged}${ineligible ? `; out: ${BARS[ineligible]}` : ''}`;
}

function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}
