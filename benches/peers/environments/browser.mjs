/** A browser without a window: every job is a fresh process with an empty profile, served over loopback. */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { raise } from '../priority.mjs';
import { startServer } from '../server.mjs';

/** Browsers are busy with themselves for a moment after they start. */
const CALM_MS = 2000;
const KILL_MS = 5000;

const CHROMIUM = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
  '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage',
];

/** @returns the system's Chromium, or undefined where there is none */
export function chromium() {
  const binary = env.CHROME_BIN || '/usr/bin/chromium';
  return browser('chromium', binary, (profile) => [...CHROMIUM, `--user-data-dir=${profile}`]);
}

/** @returns the system's Firefox, or undefined where there is none */
export function firefox() {
  const binary = env.FIREFOX_BIN || 'firefox-esr';
  return browser('firefox', binary, (profile) => ['--headless', '--no-remote', '--profile', profile]);
}

function browser(id, binary, args) {
  let title;
  try {
    title = execFileSync(binary, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
  const run = (job, { mounts, nice, timeoutMs }) => inBrowser(binary, args, { job, mounts, nice, timeoutMs });
  return { id, title: title.replace(/ built on.*/, ''), kind: 'browser', run };
}

async function inBrowser(binary, args, { job, mounts, nice, timeoutMs }) {
  const profile = mkdtempSync(join(tmpdir(), 'pointsman-bench-'));
  let child;
  const server = await startServer(mounts, async () => {
    await new Promise((resolve) => { setTimeout(resolve, CALM_MS); });
    raise(child.pid, nice);
    return job;
  });
  // Its own home keeps it from the user's settings. As root in a container, Firefox cannot set its sandbox up.
  const settings = { ...env, HOME: profile, MOZ_DISABLE_CONTENT_SANDBOX: '1' };
  try {
    child = spawn(binary, [...args(profile), server.url], { stdio: 'ignore', env: settings });
    const result = await Promise.race([server.result, failure(child, timeoutMs)]);
    return { ...result, served: server.served() };
  } finally {
    await end(child);
    await server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** Rejects when the browser ends by itself or takes too long. */
function failure(child, timeoutMs) {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`no result after ${timeoutMs / 1000} s`)), timeoutMs);
    child.once('error', reject).once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`the browser ended (${signal ?? code}) without a result`));
    });
  });
}

async function end(child) {
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), KILL_MS);
  await ended;
  clearTimeout(impatient);
}
