/**
 * Makes of wasm-bindgen's module, which holds one instance for good, a function that makes one each time: an instance
 * that trapped must be replaced, and what still points into it must never reach the next one.
 *
 * Usage: node scripts/bind.mjs BOUND_FOLDER OUT_FOLDER
 */

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';

const NAME = 'pointsman';
const [from, to] = argv.slice(2);

/** Replaces every match; a pattern that finds nothing means that wasm-bindgen writes something else now. */
function replaced(text, pattern, by) {
  if (!pattern.test(text)) throw new Error(`scripts/bind.mjs: nothing matches ${pattern} in what wasm-bindgen wrote`);
  return text.replace(new RegExp(pattern, 'gm'), by);
}

const generated = readFileSync(`${from}/${NAME}.js`, 'utf8');
const names = [...generated.matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name).filter((name) => name !== 'start');
let body = replaced(generated, /^export (class|function) /m, '$1 ');
body = replaced(body, /^export \{ initSync, __wbg_init as default \};$/m, '');
// What is collected late must not be freed in memory that nobody can trust any more.
body = replaced(body, /ptr => wasm\.(\w+)_free\(ptr, 1\)/, 'ptr => { if (alive) wasm.$1_free(ptr, 1); }');
if (/^(?:import|export)\b/m.test(body)) throw new Error('scripts/bind.mjs: wasm-bindgen imports or exports something unexpected');

writeFileSync(`${to}/${NAME}.js`, `/** Makes a binding, which can start one instance. scripts/bind.mjs made this of what wasm-bindgen wrote. */
export function bind() {
let alive = true;
${body.trimEnd()}

return {
    ${names.join(', ')}, initSync, default: __wbg_init,
    /** The compiled module, once there is an instance. */
    compiled() { return wasmModule; },
    /** Leaves the instance alone from now on, whatever is collected. */
    end() { alive = false; },
};
}
`);
copyFileSync(`${from}/${NAME}.d.ts`, `${to}/bound.d.ts`);
writeFileSync(`${to}/${NAME}.d.ts`, `type Bound = Omit<typeof import('./bound.js'), 'start'>;

/** Makes a binding, which can start one instance. */
export function bind(): Bound & { compiled(): WebAssembly.Module | undefined; end(): void };
`);
