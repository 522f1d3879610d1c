/** Blank pages in Chromium that can import the package, for tests of what it does there. */

import { join } from 'node:path';
import { after, before } from 'node:test';
import { serve } from '../../../scripts/serve.mjs';
import { launchChromium } from './chromium.mjs';
import { PKG, ROOT } from './paths.mjs';

/**
 * Starts a server and a browser before the file's tests, and ends them after.
 *
 * @param {{ args?: string[], mounts?: Record<string, string> }} [options] of the browser's command line, and what else is served
 * @returns {() => Promise<{ page: import('playwright-core').Page, url: string }>} makes a page, which is at no address yet
 */
export function blankPages({ args, mounts } = {}) {
  let server;
  let browser;
  const ends = [];
  before(async () => {
    server = await serve({ mounts: { ...mounts, '/pointsman/': PKG, '/': join(ROOT, 'tests/js/support/blank') } });
    ends.push(server.close);
    browser = await launchChromium({ after: (end) => ends.push(end) }, { args });
  });
  after(() => Promise.all(ends.map((end) => end())));
  return async () => ({ page: await browser.newPage(), url: server.url });
}
