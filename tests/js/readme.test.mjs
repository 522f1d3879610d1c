/**
 * Every JavaScript snippet of the READMEs runs in Node as it stands, and passes the type checker.
 * One whose first line is the comment `// browser` or `// worker` needs that place: it is type-checked only.
 */

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { link } from './support/consumer.mjs';
import { ROOT } from './support/paths.mjs';
import { run } from './support/run.mjs';
import { typeCheck } from './support/types.mjs';

for (const readme of ['README.md', 'pkg/README.md']) {
  const snippets = snippetsOf(await readFile(join(ROOT, readme), 'utf8'));

  test(`${readme} shows how to route a prompt in under 5 lines`, () => {
    const [{ code }] = snippets;
    assert.ok(code.split('\n').filter((line) => line.trim() !== '').length < 5, code);
    assert.match(code, /\.route\(/);
  });

  for (const { language, line, code } of snippets) {
    const elsewhere = language !== 'js' || /^\/\/ (browser|worker)\b/.test(code);
    test(`${readme}:${line} ${elsewhere ? 'passes the type checker' : 'runs'}`, async () => {
      const folder = await link();
      const file = join(folder, `snippet.${language === 'js' ? 'mjs' : 'mts'}`);
      await writeFile(file, code);
      await typeCheck(folder, [file]);
      if (!elsewhere) await run('node', [file], { cwd: folder });
    });
  }
}

/** The fenced blocks of JavaScript and TypeScript, with the line each begins at. */
function snippetsOf(markdown) {
  return [...markdown.matchAll(/^```(js|ts)\n(.*?)^```$/gms)].map(({ 1: language, 2: code, index }) => {
    return { language, code, line: markdown.slice(0, index).split('\n').length };
  });
}
