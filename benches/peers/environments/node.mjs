/** A Node binary: every job is a fresh process. */

import { execFileSync, fork } from 'node:child_process';
import { join } from 'node:path';
import { HARNESS } from '../places.mjs';

const CHILD = join(HARNESS, 'environments', 'node-child.mjs');

export function node(binary) {
  const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim().slice(1);
  return {
    id: `node-${version.split('.')[0]}`,
    title: `Node ${version}`,
    kind: 'node',
    run: (job, { mounts, timeoutMs }) => inChild(binary, { ...job, mounts }, timeoutMs),
  };
}

function inChild(binary, job, timeout) {
  const stdio = /** @type {const} */ (['ignore', 'ignore', 'pipe', 'ipc']);
  const child = fork(CHILD, [JSON.stringify(job)], { execPath: binary, execArgv: ['--no-warnings'], stdio, timeout });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { complaints += text; });
  return new Promise((resolve, reject) => {
    let result;
    child.once('message', (message) => { result = message; }).once('error', reject).once('close', (code, signal) => {
      if (result) resolve(result);
      else reject(new Error(`Node ended (${signal ?? code}) without a result\n${complaints.slice(-600)}`));
    });
  });
}
