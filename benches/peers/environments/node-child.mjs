/** One job in this process: `node node-child.mjs JOB`. The parent gets the result as a message. */

import { readFile } from 'node:fs/promises';
import { argv, exit } from 'node:process';
import { pathToFileURL } from 'node:url';
import { runJob } from '../inside.mjs';
import { fileAt } from '../places.mjs';

const job = JSON.parse(argv[2]);
const path = (place) => fileAt(job.mounts, place);
const host = {
  environment: 'node',
  path,
  url: (place) => pathToFileURL(path(place)).href,
  bytes: async (place) => new Uint8Array(await readFile(path(place))),
};
const result = await runJob(host, job).catch((error) => ({ error: String(error?.stack ?? error) }));
// Some peers keep threads alive.
process.send(result, () => exit());
