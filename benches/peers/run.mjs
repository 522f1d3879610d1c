/**
 * `make bench`: pointsman beside its peers. README.md says what is measured; `--help` lists the options.
 */

import { readFileSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { Mistake, USAGE, readOptions } from './options.mjs';
import { report } from './report.mjs';

async function results(options) {
  if (options.from) return JSON.parse(readFileSync(options.from, 'utf8'));
  // Only now: it needs what set-up installs.
  const { bench } = await import('./bench.mjs');
  return bench(options);
}

try {
  const options = readOptions(argv.slice(2));
  if (options.help) console.log(USAGE);
  else console.log(report(await results(options)));
} catch (error) {
  console.error(error instanceof Mistake ? error.message : error);
  exit(1);
}
