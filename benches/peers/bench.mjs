/** The rounds: every sample is a fresh process, and in each round all take turns. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { environments } from './environments.mjs';
import { machine } from './machine.mjs';
import { Mistake } from './options.mjs';
import { FLOOR, peers, titles } from './peers.mjs';
import { MOUNTS } from './places.mjs';
import { raise } from './priority.mjs';
import { sizes } from './sizes.mjs';
import { median } from './statistics.mjs';

const TIMEOUT_MS = 10 * 60_000;

/** Every peer in every environment that it runs in, round by round. */
function* takeTurns({ rounds, loop, peers: wanted }, everywhere, mounts) {
  const all = { ...peers(mounts), floor: FLOOR };
  const unknown = wanted?.find((name) => !Object.hasOwn(all, name));
  if (unknown) throw new Mistake(`--peers: "${unknown}" is none of ${Object.keys(all).join(', ')}`);
  for (let round = 0; round < rounds; round++) {
    for (const environment of everywhere) {
      for (const name of wanted ?? Object.keys(all)) {
        const { adapter, config, environments: kinds } = all[name];
        if (kinds && !kinds.includes(environment.kind)) continue;
        yield { environment, name, round, job: { adapter, config, loop, fidelity: round === 0 } };
      }
    }
  }
}

async function sample({ environment, name, round, job }, context) {
  const begun = Date.now();
  const result = await environment.run(job, context).catch((error) => ({ error: error.message }));
  const [load] = loadavg();
  const seconds = ((Date.now() - begun) / 1000).toFixed(0);
  console.error(`round ${round + 1}, ${environment.title}, ${name}: ${gist(result)} (${seconds} s, load ${load.toFixed(1)})`);
  return { environment: environment.id, peer: name, round, load, ...result };
}

/** One line, so that a long run can be watched. */
function gist({ error, steady }) {
  if (error) return error.split('\n')[0];
  return Object.entries(steady[16]).map(([operation, times]) => `${operation} ${median(times).toFixed(2)} ms`).join(', ');
}

/** @param {ReturnType<typeof import('./options.mjs').readOptions>} options */
export async function bench(options) {
  const mounts = { ...MOUNTS, ours: resolve(options.package), ...(options.stock && { stock: resolve(options.stock) }) };
  borrowPriority(options.nice);
  const everywhere = environments(options);
  const samples = [];
  const results = () => ({
    machine: machine(mounts),
    environments: everywhere.map(({ id, title }) => ({ id, title })),
    peers: titles(mounts),
    loop: options.loop,
    samples,
  });
  mkdirSync(dirname(options.out), { recursive: true });
  for (const turn of takeTurns(options, everywhere, mounts)) {
    samples.push(await sample(turn, { mounts, nice: options.nice, timeoutMs: TIMEOUT_MS }));
    // After each, so that a run that is cut short is not lost.
    writeFileSync(options.out, JSON.stringify(results()));
  }
  const complete = { ...results(), sizes: sizes(samples, mounts) };
  writeFileSync(options.out, JSON.stringify(complete));
  return complete;
}

/** Until this process ends: the terminal that it was started from shares its weight. */
function borrowPriority(nice) {
  raise(process.pid, nice);
  process.once('exit', () => raise(process.pid, 0));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
}
