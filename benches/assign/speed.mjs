/** Times the front of 10,000 queries x 10 candidates beside a sort, in turns. usage: node speed.mjs FOLDER [rounds] */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { median } from '../peers/statistics.mjs';

const [folder, rounds = '15'] = process.argv.slice(2);
const { Batch, initSync } = await import(join(folder, 'speed.js'));
initSync({ module: await readFile(join(folder, 'speed_bg.wasm')) });
const batch = new Batch(10_000, 10);
const times = { front: [], sort: [] };
for (let round = 0; round < 5 + Number(rounds); round += 1) {
  for (const work of ['front', 'sort']) {
    const begun = performance.now();
    batch[work]();
    if (round >= 5) times[work].push(performance.now() - begun);
  }
}
const ratio = median(times.front.map((time, i) => time / times.sort[i]));
console.log(`10,000 x 10: front of ${batch.front()} points ${median(times.front).toFixed(1)} ms, sort of 100,000 pairs ${median(times.sort).toFixed(1)} ms, `
  + `ratio ${ratio.toFixed(2)} (medians of ${rounds} rounds, Node ${process.version})`);
