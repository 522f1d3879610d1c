/** The page's server brings the plotting library, and does not send again what the browser has. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../../scripts/serve.mjs';

test('the plotting library is served, and files are sent once', async (t) => {
  const { url, close } = await serve();
  t.after(close);
  const library = await fetch(`${url}vendor/uplot/uPlot.esm.js`);
  assert.equal(library.headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.match(await library.text(), /export \{ uPlot as default \}/);
  assert.equal((await fetch(`${url}vendor/uplot/../package.json`)).status, 404);

  const etag = library.headers.get('etag');
  const again = await fetch(`${url}vendor/uplot/uPlot.esm.js`, { headers: { 'if-none-match': etag }, cache: 'no-store' });
  assert.equal(again.status, 304);
  const other = await fetch(`${url}vendor/uplot/uPlot.esm.js`, { headers: { 'if-none-match': '"other"' } });
  assert.equal(other.status, 200);
});
