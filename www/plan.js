/**
 * What a batch can cost and be worth, from the scores that `assign` has given: no prompt is embedded again when a dial
 * turns. Each prompt climbs its own hull of (cost, quality); all steps together, the most quality for a dollar first, are
 * the Pareto front (tests/js/page-plan.test.mjs holds it against the router's own).
 */

/**
 * @typedef {import('pointsman').Score} Score
 * @typedef {{ usd: number, quality: number }} Point
 * @typedef {{ prompt: number, to: Score, usd: number, quality: number, rate: number }} Step
 */

/** The candidate that wins at an exchange rate: quality for a US dollar. */
export function pickAt(scores, rate) {
  const worth = ({ quality, usd }) => quality - rate * usd;
  return open(scores).reduce((best, score) => (worth(score) > worth(best) ? score : best));
}

/** The exchange rate that a decision was made at. */
export function rateOf({ scores }) {
  const { quality, utility, usd } = scores.reduce((dearest, score) => (score.usd > dearest.usd ? score : dearest));
  return (quality - utility) / usd;
}

/** Cost together and mean quality. */
export function totals(picks) {
  const sum = (key) => picks.reduce((all, pick) => all + pick[key], 0);
  return { usd: sum('usd'), quality: sum('quality') / picks.length };
}

/**
 * The front of a batch: its cheapest plan, and every step from there to the best one.
 *
 * @param {(readonly Score[])[]} batch the scores of each prompt
 */
export function frontOf(batch) {
  const hulls = batch.map(hullOf);
  const first = hulls.map(([cheapest]) => cheapest);
  const steps = hulls.flatMap(stepsOf).sort((a, b) => b.rate - a.rate);
  const points = [totals(first)];
  for (const { usd, quality } of steps) {
    const last = points[points.length - 1];
    points.push({ usd: last.usd + usd, quality: last.quality + quality / batch.length });
  }
  return { first, steps, points };
}

/** Each prompt's pick at a point of the front. */
export function picksAt({ first, steps }, point) {
  const picks = [...first];
  for (const { prompt, to } of steps.slice(0, point)) picks[prompt] = to;
  return picks;
}

/**
 * Every candidate as the only one, in the catalog's order. Where one may not answer every prompt, it is none.
 *
 * @param {(readonly Score[])[]} batch
 * @returns {(Point & { model: string })[]}
 */
export function singlesOf(batch) {
  const able = batch[0].filter((_, place) => batch.every((scores) => !scores[place].ineligible));
  return able.map(({ model }) => {
    const own = batch.map((scores) => scores.find((score) => score.model === model));
    return { model, ...totals(own) };
  });
}

/** Whatever reaches the most: the single candidate that routing must be compared with. */
export function bestOf(points) {
  return points.reduce((best, point) => (point.quality > best.quality ? point : best));
}

/** How many prompts go to whom: `[model, prompts]` in the order of `models`. */
export function sharesOf(picks, models) {
  return models.map((model) => [model, picks.filter((pick) => pick.model === model).length]);
}

/** The candidates that some exchange rate chooses, by rising cost. */
function hullOf(scores) {
  const sorted = open(scores).sort((a, b) => a.usd - b.usd || b.quality - a.quality);
  const hull = [];
  for (const score of sorted) {
    if (hull.length > 0 && score.quality <= hull[hull.length - 1].quality) continue;
    while (hull.length > 1 && gain(hull[hull.length - 1], score) >= gain(hull[hull.length - 2], hull[hull.length - 1])) hull.pop();
    hull.push(score);
  }
  return hull;
}

/** @returns {Step[]} */
function stepsOf(hull, prompt) {
  return hull.slice(1).map((to, place) => {
    const from = hull[place];
    return { prompt, to, usd: to.usd - from.usd, quality: to.quality - from.quality, rate: gain(from, to) };
  });
}

function gain(from, to) {
  return (to.quality - from.quality) / (to.usd - from.usd);
}

function open(scores) {
  const eligible = scores.filter((score) => !score.ineligible);
  return eligible.length > 0 ? eligible : [...scores];
}
