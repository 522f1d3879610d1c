/** The exercise in a Node process of its own: `node exercised.mjs ENTRY` prints what a router of this entry hands out. */

import { writeSync } from 'node:fs';
import { argv } from 'node:process';
import { exercise } from './blank/exercise.js';
import { spring } from './blank/traps.js';

const given = await exercise(await import(argv[2]));
writeSync(1, JSON.stringify(given));
if (argv[3] === 'spring') spring();
