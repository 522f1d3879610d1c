/** Imported before all else into a Node process and each of its threads: traps in place, told in the file $CAUGHT. */

import { Socket as Datagrams } from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { env } from 'node:process';
import { threadId } from 'node:worker_threads';
import { plant } from './blank/traps.js';

const tell = (what) => appendFileSync(env.CAUGHT, `thread ${threadId}: ${what}\n`);

plant(tell, [[Socket.prototype, 'connect'], [Datagrams.prototype, 'send'], [dns, 'lookup'], [dns.promises, 'lookup']]);
tell('planted');
