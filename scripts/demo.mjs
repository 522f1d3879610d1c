/** Routes a few prompts through the wasm build in Node, then serves the demo page (not where CI is set). */

import { env } from 'node:process';
import { createRouter } from '../pkg/node.js';
import { serveForPeople } from './serve.mjs';

const PROMPTS = [
  'What is the capital of France?',
  'Fix the grammar: "Me and him goes to school."',
  'Summarise the plot of Hamlet in three sentences.',
  'A train leaves at 9:40 and arrives at 13:05. How long is the journey?',
  'Write a Rust function that merges overlapping intervals, with tests.',
  'Which enzyme unwinds the DNA double helix, and what happens if it is inhibited?',
  'Prove that the sum of the reciprocals of the primes diverges.',
  'A contract is silent on delivery. Under the UCC, when must the seller tender the goods?',
];

/** Pads every column to its widest cell; the first `left` columns to the right side, numbers to the left. */
function table(rows, left) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const pad = (cell, column) => (column < left ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
  const lines = rows.map((row) => row.map(pad).join('  ').trimEnd());
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
  return lines.join('\n');
}

function shorten(text, length) {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

async function routeAll(router) {
  const rows = [['prompt', 'model', 'quality', 'USD per 1,000', 'ms']];
  for (const prompt of PROMPTS) {
    const { model, scores, usd, ms } = await router.route(prompt);
    const { quality } = scores.find((score) => score.model === model);
    rows.push([shorten(prompt, 56), model, quality.toFixed(2), (1000 * usd).toFixed(3), ms.toFixed(1)]);
  }
  return rows;
}

const begun = performance.now();
const router = await createRouter();
const loaded = performance.now() - begun;
await router.route('The first prompt pays for warming up.');
console.log(`\n${table(await routeAll(router), 2)}\n`);
const { wasmBytes, simd } = router.stats();
console.log(`WebAssembly (${simd}) in Node, loaded in ${loaded.toFixed(0)} ms, ${(wasmBytes / 2 ** 20).toFixed(0)} MiB of memory.`);

if (!env.CI) {
  const { url } = await serveForPeople();
  console.log(`The same in your browser: ${url} (stop with Ctrl-C)`);
}
