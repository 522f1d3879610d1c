/**
 * WebGPU beside the CPU in Chromium. usage: node benches/gpu.mjs parity | auto [CHROMIUM ARGUMENT...]
 *
 * Without arguments for Chromium, the adapter is SwiftShader, a GPU in software: right, and slow. `parity` embeds and
 * routes 200 prompts on both (some ten minutes there); `auto` compares `device: 'auto'` with the better of the two over
 * lengths and batches.
 */

import { join } from 'node:path';
import { argv, exit } from 'node:process';
import { serve } from '../scripts/serve.mjs';
import { launchChromium } from '../tests/js/support/chromium.mjs';
import { spy } from '../tests/js/support/gpu-spy.mjs';
import { PKG, ROOT } from '../tests/js/support/paths.mjs';

const SWIFTSHADER = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
const LENGTHS = [8, 32, 64, 128, 256];
const BATCHES = [1, 4, 16, 64, 256];
/** Rounds of each cell, and for how long short ones go on: the least of all counts, for whatever else runs here only adds. */
const ROUNDS = { fewest: 3, most: 40, ms: 2_000 };
/** Beyond so many milliseconds by its calibration, a GPU is not timed, but taken at its calibration. */
const PATIENCE_MS = 2_000;

const [mode, ...args] = argv.slice(2);
if (!['parity', 'auto'].includes(mode)) {
  console.error('usage: node benches/gpu.mjs parity | auto [CHROMIUM ARGUMENT...]');
  exit(2);
}

const ends = [];
const mounts = { '/data/': join(ROOT, 'tests', 'data'), '/pointsman/': PKG, '/': join(ROOT, 'tests', 'js', 'support', 'blank') };
const { url, close } = await serve({ mounts });
const browser = await launchChromium({ after: (end) => ends.push(end) }, { args: args.length > 0 ? args : SWIFTSHADER });
const page = await browser.newPage();
page.setDefaultTimeout(0);
await page.addInitScript(spy);
await page.goto(url);
page.on('console', (message) => console.log(message.text()));
await (mode === 'parity' ? page.evaluate(parity) : page.evaluate(auto, { LENGTHS, BATCHES, ROUNDS, PATIENCE_MS }));
for (const end of ends) await end();
await close();

/** Runs in the page. */
async function parity() {
  const { compare, create } = await import('/gpu.js');
  const files = { router: undefined, embedder: undefined, tier: 'full' };
  const [cpu, gpu] = [await create(files), await create({ ...files, device: 'webgpu' })];
  const lines = (await (await fetch('/data/prompts.jsonl')).text()).trim().split('\n');
  const prompts = lines.map((line) => JSON.parse(line));
  const { adapter, dispatches, reason } = gpu.stats().gpu;
  console.log(reason ?? `${adapter}: ${dispatches} dispatches`);
  const before = { ...globalThis.gpu };
  const found = compare(await gpu.embed(prompts), await cpu.embed(prompts), 384);
  const { mapped, waited } = globalThis.gpu;
  console.log(`${prompts.length} prompts: ${found.differing} of ${found.count} values differ; cosine ${found.mean} in the mean, ${found.worst} at worst; `
    + `${mapped - before.mapped} readbacks, ${waited - before.waited} waits`);
  let same = 0;
  for (const prompt of prompts) {
    const [a, b] = [await gpu.route(prompt), await cpu.route(prompt)];
    if (a.device === 'webgpu' && a.model === b.model && JSON.stringify(a.scores) === JSON.stringify(b.scores)) same += 1;
  }
  console.log(`${same} of ${prompts.length} decisions are the same, score by score, and were made on the GPU`);
}

/** Runs in the page. */
async function auto({ LENGTHS, BATCHES, ROUNDS, PATIENCE_MS }) {
  const { create } = await import('/gpu.js');
  const files = { router: undefined, embedder: undefined, tier: 'full' };
  const [cpu, choosing] = [await create(files), await create({ ...files, device: 'auto' })];
  while (!choosing.stats().gpu.ready && !choosing.stats().gpu.reason) await new Promise((resolve) => { setTimeout(resolve, 100); });
  const { adapter, reason, calibration } = choosing.stats().gpu;
  console.log(reason ?? `${adapter}: ${JSON.stringify(calibration)}`);
  const gpu = await create({ ...files, device: 'webgpu' });
  const perToken = Math.min(...calibration.gpu.map(([tokens, ms]) => ms / tokens));
  let worst = 0;
  for (const length of LENGTHS) {
    for (const batch of BATCHES) {
      const texts = Array.from({ length: batch }, () => 'the '.repeat(length - 2));
      const machines = { cpu, auto: choosing, ...(perToken * length * batch < PATIENCE_MS && { gpu }) };
      const ms = Object.fromEntries(Object.keys(machines).map((name) => [name, []]));
      const begun = performance.now();
      for (let round = 0; round < ROUNDS.fewest || (round < ROUNDS.most && performance.now() - begun < ROUNDS.ms); round += 1) {
        for (const [name, router] of Object.entries(machines)) ms[name].push(await time(router, texts));
      }
      const [cpuMs, autoMs, gpuMs] = [ms.cpu, ms.auto, ms.gpu ?? [perToken * length * batch]].map((list) => Math.min(...list));
      const ratio = autoMs / Math.min(cpuMs, gpuMs);
      worst = Math.max(worst, ratio);
      const told = `${ms.gpu ? '' : 'some '}${gpuMs.toFixed(1)}`;
      console.log(`${batch} x ${length} tokens: CPU ${cpuMs.toFixed(1)} ms, GPU ${told} ms, auto ${autoMs.toFixed(1)} ms `
        + `(${choosing.stats().device}): ${ratio.toFixed(2)} of the better one`);
    }
  }
  console.log(`auto at worst: ${worst.toFixed(2)} of the better one`);

  async function time(router, texts) {
    const begun = performance.now();
    await router.embed(texts);
    return performance.now() - begun;
  }
}
