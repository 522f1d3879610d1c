/** The system's Chromium, without a window. */

import { env } from 'node:process';
import { chromium } from 'playwright-core';

/**
 * @param {Pick<import('node:test').TestContext, 'after'>} t the browser closes with this test
 */
export async function launchChromium(t) {
  const browser = await chromium.launch({
    executablePath: env.CHROME_BIN || '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  t.after(() => browser.close());
  return browser;
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
