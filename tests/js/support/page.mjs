/** The demo page in Chromium, as a person finds it. */

import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { serve } from '../../../scripts/serve.mjs';
import { complaintsOf, launchChromium } from './chromium.mjs';
import { ROOT } from './paths.mjs';

export const TABS = ['route', 'dial', 'batch', 'learn', 'speed'];
export const SHOTS = join(ROOT, 'test-results');
export const DESK = { width: 1100, height: 900 };
export const PHONE = { width: 360, height: 740 };

/**
 * A server, a browser and the page in it, which end with the test.
 *
 * @param {import('node:test').TestContext} t
 * @param {object} [options]
 * @param {string} [options.hash] which tab the address names
 * @param {Record<string, string>} [options.mounts] in place of the usual ones
 * @param {(context: import('playwright-core').BrowserContext) => Promise<unknown>} [options.prepare] before the visit
 */
export async function visit(t, { hash = '', mounts, prepare } = {}) {
  await mkdir(SHOTS, { recursive: true });
  const server = await serve({ mounts });
  t.after(server.close);
  const context = await (await launchChromium(t)).newContext({ viewport: DESK, acceptDownloads: true });
  await prepare?.(context);
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  const strangers = [];
  context.on('request', (request) => {
    if (!/^(blob:)?http:\/\/127\.0\.0\.1:/.test(request.url())) strangers.push(request.url());
  });
  await page.goto(`${server.url}${hash}`);
  return { page, context, complaints, strangers, ...server };
}

/** Waits for the first decision. */
export function decided(page) {
  return page.getByRole('status').filter({ hasText: 'Goes to' }).waitFor();
}

/** Waits until the full tier answers, and the page is kept: from then on nothing moves by itself. */
export function settled(page) {
  return page.getByText('Works offline.').waitFor();
}

/** Opens a tab and makes it show all that it can. */
export async function open(page, tab) {
  await page.locator(`#tab-${tab}`).click();
  await FILL[tab](page);
}

const FILL = {
  route: (page) => page.locator('#against').filter({ hasText: /\w/ }).waitFor(),
  dial: (page) => page.locator('#dial-shown').waitFor(),
  async batch(page) {
    await page.getByRole('button', { name: 'Forty examples' }).click();
    await page.getByRole('button', { name: 'Plan the batch' }).click();
    await page.locator('#batch-result').waitFor();
  },
  learn: (page) => page.locator('#learn-shown').waitFor(),
  async speed(page) {
    await page.getByRole('button', { name: 'Measure this device' }).click();
    await page.getByText('Measured.').waitFor({ timeout: 120_000 });
  },
};

/** The numbers in a text, in their order. */
export function numbersIn(text) {
  return [...text.replaceAll(',', '').replaceAll('−', '-').matchAll(/-?\d+(?:\.\d+)?/g)].map(([number]) => Number(number));
}

/** What axe-core finds wrong with the page as it stands: the rule, and where. */
export async function faultsOf(page) {
  const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join(' | ')}`);
  });
}
