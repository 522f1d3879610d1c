/** The cost dial: a slider whose middle is the router's default and whose steps multiply. */

/** The cost weight that the middle stands for, near enough: what the default router's own rate comes to. */
const MIDDLE = 10 ** -2.75;
const STEPS_PER_TENFOLD = 8;
/** The slider's left end: cost counts for nothing. */
const FIRST = -20;

/** The slider's position as options of `route`. */
export function dialOf(position) {
  if (position === 0) return {};
  return { costWeight: position === FIRST ? 0 : MIDDLE * 10 ** (position / STEPS_PER_TENFOLD) };
}

/** The slider's position in words. */
export function dialText(position) {
  const { costWeight } = dialOf(position);
  if (costWeight === undefined) return 'default';
  return costWeight === 0 ? 'quality alone' : `cost weight ${costWeight.toPrecision(2)}`;
}
