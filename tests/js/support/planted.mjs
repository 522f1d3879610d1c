/** A router whose decisions are planted, where a test is about what is done with them. It keeps what it was asked. */

/**
 * @param {object} [decision] over a decision for the first candidate, in whose scores they come in falling order
 * @param {{ id: string, supports?: string[] }[]} [candidates]
 */
export function planted(decision = {}, candidates = ['first', 'second', 'third'].map((id) => ({ id }))) {
  const asked = [];
  const route = async (input, options) => {
    asked.push({ input, options });
    const scores = candidates.map(({ id: model }, place) => {
      const barred = options.allow?.includes(model) === false;
      return { model, quality: 0.5, spread: 0, usd: 1, utility: -place, ...(barred && { ineligible: 'allow' }) };
    });
    return { id: 'd1', model: candidates[0].id, reason: 'utility', propensity: 1, usd: 1, truncated: false, ms: 1, scores, ...decision };
  };
  return { candidates, route, asked };
}
