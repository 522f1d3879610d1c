/** Stored measurements as text: what the machine was, then tables that a README can quote. */

import { floorTable } from './floor-table.mjs';
import { markdown, range } from './markdown.mjs';
import { BASE } from './peers.mjs';
import { median, quantile } from './statistics.mjs';

const MB = 1e6;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** What an operation is called in a table; embedding alone goes without saying. */
const OPERATIONS = { route: ', text to decision', embed: '' };

/** @param {any} results what run.mjs stores */
export function report(results) {
  const parts = [heading(results)];
  for (const environment of results.environments) {
    const samples = results.samples.filter((sample) => sample.environment === environment.id);
    if (samples.length > 0) parts.push(`## ${environment.title}`, ...tables(samples, results));
  }
  if (Object.keys(results.sizes ?? {}).length > 0) parts.push('## Bytes, as served to a browser', sizeTable(results));
  return parts.join('\n\n');
}

function heading({ machine, samples, environments }) {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const loads = samples.map(({ load }) => load);
  const rounds = new Set(samples.map(({ round }) => round)).size;
  const instructions = machine.instructions.length > 0 ? ` (${machine.instructions.join(', ')})` : '';
  const memory = `${(machine.memoryBytes / GIB).toFixed(0)} GiB`;
  const [least, most] = [Math.min(...loads), Math.max(...loads)].map((load) => load.toFixed(1));
  return [
    `Measured ${machine.date.slice(0, 10)} on ${machine.processor}${instructions}, ${memory}, ${machine.system}.`,
    `${rounds} ${rounds === 1 ? 'round' : 'rounds'}; load average ${least} to ${most}, the peers' own included.`,
    `${environments.map(({ title }) => title).join(', ')}; ${versions.join(', ')}.`,
  ].join('\n');
}

function tables(samples, results) {
  const measured = samples.filter(({ error, peer }) => !error && peer !== 'floor');
  const rows = rowsOf(measured, results.peers);
  const columns = columnsOf(results.loop);
  const bases = [BASE, 'stock'].filter((base) => measured.some(({ peer }) => peer === base));
  const times = ['Milliseconds, median / 95th percentile over all rounds:', timeTable(rows, columns)];
  const ratios = bases.flatMap((base) => [
    `Ratio to ${results.peers[base]} in the same round, median (range):`,
    ratioTable(rows.filter(({ ours }) => base === BASE || ours), columns, measured.filter(({ peer }) => peer === base)),
  ]);
  return [
    ...failures(samples, results.peers),
    ...(rows.length > 0 ? [...times, ...ratios, factTable(measured, results.peers)] : []),
    ...floorTable(samples, results),
  ];
}

/** One line for each peer that failed, with what it said first. */
function failures(samples, titles) {
  const first = new Map(samples.filter(({ error }) => error).map(({ peer, error }) => [peer, error.split('\n')[0]]));
  return [...first].map(([peer, error]) => `${titles[peer] ?? peer} did not run: ${error}`);
}

/** A row is one operation of one peer. */
function rowsOf(samples, titles) {
  return Object.entries(titles).flatMap(([peer, title]) => {
    const own = samples.filter((sample) => sample.peer === peer);
    const operations = own.length > 0 ? operationsOf(own[0]) : [];
    // What decides is ours, of whatever age.
    const ours = operations.includes('route');
    const native = own[0]?.native ? ', not wasm' : '';
    return operations.map((operation) => ({ label: title + native + OPERATIONS[operation], operation, ours, samples: own }));
  });
}

const operationsOf = ({ steady }) => Object.keys(Object.values(steady)[0]);

/** A column is a head and where its milliseconds are in a sample. */
function columnsOf({ lengths }) {
  const first = (sample, operation) => operationsOf(sample)[0] === operation;
  return [
    ...lengths.map((length) => ({ head: `${length} tokens`, values: (sample, operation) => sample.steady[length][operation] })),
    { head: 'first ten', values: (sample, operation) => (first(sample, operation) ? sample.early : []) },
    { head: 'cold start', values: (sample, operation) => (first(sample, operation) ? [sample.cold.load + sample.cold.first] : []) },
    { head: 'batch of 32 x 16', values: ({ batch }, operation) => (operation === 'embed' ? batch : []) },
  ];
}

const ms = (value) => value.toFixed(value < 100 ? 2 : 0);

function timeTable(rows, columns) {
  const cell = ({ samples, operation }, { values }) => {
    const all = samples.flatMap((sample) => values(sample, operation));
    return all.length > 0 ? `${ms(median(all))} / ${ms(quantile(all, 0.95))}` : '';
  };
  return grid(rows, columns, cell);
}

function ratioTable(rows, columns, bases) {
  const cell = ({ samples, operation }, { values }) => {
    const ratios = samples.flatMap((sample) => {
      const base = bases.find(({ round }) => round === sample.round);
      const [own, its] = [values(sample, operation), base && answering(base, operation, values)];
      return own.length > 0 && its?.length > 0 ? [median(own) / median(its)] : [];
    });
    return range(ratios);
  };
  return grid(rows, columns, cell);
}

function grid(rows, columns, cell) {
  return markdown(['', ...columns.map(({ head }) => head)], rows.map((row) => [row.label, ...columns.map((column) => cell(row, column))]));
}

/** The base's figure for the same operation; a base that only embeds is compared with that. */
function answering(base, operation, values) {
  return values(base, operationsOf(base).includes(operation) ? operation : 'embed');
}

function factTable(samples, titles) {
  const rows = Object.entries(titles).flatMap(([peer, title]) => {
    const own = samples.filter((sample) => sample.peer === peer);
    if (own.length === 0) return [];
    const { fidelity } = own.find((sample) => sample.fidelity) ?? {};
    const memory = own.map(({ wasmBytes }) => wasmBytes).filter(Boolean);
    return [[
      title,
      [...new Set(own.map(({ simd }) => simd).filter(Boolean))].join(', '),
      memory.length > 0 ? (median(memory) / MIB).toFixed(0) : '',
      ...(fidelity ? [fidelity.mean.toFixed(5), fidelity.worst.toFixed(4), `${(100 * fidelity.sameNeighbour).toFixed(1)}%`] : ['', '', '']),
    ]];
  });
  return markdown(['', 'SIMD', 'wasm memory, MiB', 'cosine to f32, mean', 'worst', 'same nearest neighbour'], rows);
}

function sizeTable({ sizes, peers }) {
  const cells = ({ raw, gzip, brotli }) => [raw, gzip, brotli].map((bytes) => (bytes / MB).toFixed(2));
  const known = Object.entries(sizes).filter(([peer]) => peer in peers);
  const rows = known.map(([peer, { code, model }]) => [peers[peer], ...cells(code), ...cells(model)]);
  return markdown(['MB', 'JS + wasm', 'gzip', 'brotli', 'model and tokenizer', 'gzip', 'brotli'], rows);
}
