/** What calls are given, by set and index. */

/** The texts of texts.json: `{ texts, ids }`, of one text or of the whole batch. */
export function textInputs({ varied, lengths, batch }) {
  const single = ({ texts, ids }) => texts.map((text, i) => ({ texts: [text], ids: [ids[i]] }));
  const sets = { varied: single(varied), batch: [batch] };
  for (const [length, set] of Object.entries(lengths)) sets[length] = single(set);
  return {
    pick: (set, index) => sets[set][index % sets[set].length],
    all: (set) => sets[set],
  };
}

/** A number of tokens. */
export function floorInputs() {
  return { pick: Number };
}
