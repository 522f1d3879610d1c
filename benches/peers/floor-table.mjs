/** How near our embeddings come to the bare multiply-adds of the same arithmetic, in the same engine and round. */

import { markdown, range } from './markdown.mjs';
import { median } from './statistics.mjs';

/** @returns the tables' lines, none where the floor was not measured */
export function floorTable(samples, { peers, loop }) {
  const floors = samples.filter(({ peer, error }) => peer === 'floor' && !error);
  if (floors.length === 0) return [];
  const lengths = loop.floorTokens;
  const heads = ['', ...lengths.map((tokens) => `${tokens} tokens`)];
  const arithmetics = Object.keys(floors[0].levelOf);
  const time = (name, tokens) => median(floors.flatMap(({ steady }) => steady[tokens][name])).toFixed(2);
  const times = arithmetics.map((name) => [name, ...lengths.map((tokens) => time(name, tokens))]);
  const ours = samples.filter(({ simd, error }) => simd && !error);
  const shares = [...new Set(ours.map(({ peer }) => peer))].flatMap((peer) => {
    const own = ours.filter((sample) => sample.peer === peer);
    return arithmetics.filter((name) => floors[0].levelOf[name] === own[0].simd)
      .map((name) => [`${peers[peer]}: ${name}`, ...lengths.map((tokens) => range(sharesOf(own, floors, name, tokens)))]);
  });
  return [
    'Floor of the linear layers, milliseconds in the median:',
    markdown(heads, times),
    ...(shares.length > 0 ? ['Share of the floor in our embed time, in the same round, median (range):', markdown(heads, shares)] : []),
  ];
}

function sharesOf(own, floors, name, tokens) {
  return own.flatMap(({ round, steady }) => {
    const floor = floors.find((sample) => sample.round === round);
    return floor ? [median(floor.steady[tokens][name]) / median(steady[tokens].embed)] : [];
  });
}
