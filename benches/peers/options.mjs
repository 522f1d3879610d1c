/** The command line. */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './places.mjs';

export const USAGE = `usage: make bench ARGS='...'   or, once set up and built, node benches/peers/run.mjs ...
  --quick                 two rounds with few calls, to see that it works
  --rounds N              rounds, in which all take turns (5)
  --environments A,B      of node, chromium, firefox, workerd (those that are here)
  --peers A,B             only these (all)
  --node PATH             another Node binary; may be repeated
  --nodes 22,24           other Node versions, fetched from npm
  --package DIR           the built package to measure (pkg)
  --stock DIR             an older built pkg/, to compare with
  --nice N                scheduling weight, where permitted (-15)
  --out FILE              where the measurements go (target/bench/peers.json)
  --from FILE             print stored measurements again`;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  environments: { type: 'string' },
  peers: { type: 'string' },
  node: { type: 'string', multiple: true, default: [] },
  nodes: { type: 'string' },
  package: { type: 'string', default: join(ROOT, 'pkg') },
  stock: { type: 'string' },
  nice: { type: 'string', default: '-15' },
  out: { type: 'string', default: join(ROOT, 'target', 'bench', 'peers.json') },
  from: { type: 'string' },
  help: { type: 'boolean', default: false },
};

/** What the caller can correct. */
export class Mistake extends Error {}

const list = (text) => text?.split(',').filter(Boolean);

export function readOptions(args) {
  const { values } = parse(args);
  const { quick, rounds, nice } = values;
  return {
    ...values,
    rounds: whole('rounds', rounds ?? (quick ? 2 : 5)),
    nice: whole('nice', nice),
    environments: list(values.environments),
    peers: list(values.peers),
    nodes: list(values.nodes) ?? [],
    loop: loopOptions(quick),
  };
}

function parse(args) {
  try {
    return parseArgs({ args, options: OPTIONS });
  } catch ({ message }) {
    throw new Mistake(`${message}\n${USAGE}`);
  }
}

function whole(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number)) throw new Mistake(`--${name} takes a whole number, not "${text}"`);
  return number;
}

/** How often a sample calls its peer. A quick one has fewer calls, not other ones. */
export function loopOptions(quick) {
  return {
    lengths: [8, 16, 32, 64, 128],
    early: 10,
    settleMs: quick ? 1500 : 4000,
    settleCalls: 150,
    settleLength: 32,
    warmups: quick ? 4 : 8,
    iterations: quick ? 10 : 24,
    fewest: 5,
    budgetMs: quick ? 1000 : 3000,
    batchWarmups: quick ? 1 : 2,
    batches: quick ? 3 : 8,
    floorTokens: [8, 16, 32, 128],
    floorIterations: quick ? 9 : 21,
  };
}
