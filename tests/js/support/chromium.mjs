/** The system's Chromium, without a window. */

import { env } from 'node:process';
import { chromium } from 'playwright-core';

/**
 * @param {Pick<import('node:test').TestContext, 'after'>} t the browser closes with this test
 * @param {{ args?: string[] }} [options] of its command line
 */
export async function launchChromium(t, { args = [] } = {}) {
  const browser = await chromium.launch({
    executablePath: env.CHROME_BIN || '/usr/bin/chromium',
    args: ['--no-sandbox', ...args],
  });
  t.after(() => close(browser));
  return browser;
}

/** Closes it: a request that a test meddles with may still be under way, and its end is nobody's failure. */
async function close(browser) {
  const routed = browser.contexts().flatMap((context) => [context, ...context.pages()]);
  await Promise.all(routed.map((each) => each.unrouteAll({ behavior: 'ignoreErrors' })));
  await browser.close();
}

/** Collects what a page complains about: console errors and uncaught exceptions. */
export function complaintsOf(page) {
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return complaints;
}
