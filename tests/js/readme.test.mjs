/**
 * Every JavaScript snippet of the READMEs runs in Node as it stands, and passes the type checker. Real clients that
 * they use find a stub upstream in their environment.
 * One whose first line is the comment `// browser` or `// worker` needs that place: it is type-checked only.
 */

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLIENTS, link } from './support/consumer.mjs';
import { ROOT } from './support/paths.mjs';
import { run } from './support/run.mjs';
import { typeCheck } from './support/types.mjs';
import { startUpstream } from './support/upstream.mjs';

/** Clients' own declarations are theirs to check. */
const WITH_CLIENTS = { preserveSymlinks: false, skipLibCheck: true };

for (const readme of ['README.md', 'pkg/README.md']) {
  const snippets = snippetsOf(await readFile(join(ROOT, readme), 'utf8'));

  test(`${readme} shows how to route a prompt in under 5 lines`, () => {
    const [{ code }] = snippets;
    assert.ok(code.split('\n').filter((line) => line.trim() !== '').length < 5, code);
    assert.match(code, /\.route\(/);
  });

  for (const { language, line, code } of snippets) {
    const elsewhere = language !== 'js' || /^\/\/ (browser|worker)\b/.test(code);
    test(`${readme}:${line} ${elsewhere ? 'passes the type checker' : 'runs'}`, async (t) => {
      const usesClient = Object.keys(CLIENTS).some((name) => code.includes(`from '${name}'`));
      const folder = await link(undefined, usesClient ? CLIENTS : {});
      const file = join(folder, `snippet.${language === 'js' ? 'mjs' : 'mts'}`);
      await writeFile(file, code);
      await typeCheck(folder, [file], usesClient ? WITH_CLIENTS : {});
      if (elsewhere) return;
      const { url } = await startUpstream(t);
      await run('node', [file], { cwd: folder, env: { ...process.env, OPENAI_BASE_URL: url, OPENAI_API_KEY: 'none' } });
    });
  }
}

/** The fenced blocks of JavaScript and TypeScript, with the line each begins at. */
function snippetsOf(markdown) {
  return [...markdown.matchAll(/^```(js|ts)\n(.*?)^```$/gms)].map(({ 1: language, 2: code, index }) => {
    return { language, code, line: markdown.slice(0, index).split('\n').length };
  });
}
