/**
 * The module that pkg/simd.js times: the inner loops of src/embedder/kernel/relaxed.rs and simd128.rs as rustc compiles
 * them, over one panel of weights and one tile of rows that fit the first cache.
 *
 * `node tests/js/support/probe.mjs` prints its bytes as they stand in pkg/simd.js.
 */

import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import binaryen from 'binaryen';

/** Multiply-adds of a tile: 4 rows of 384 inputs by 8 columns. */
const INPUTS = 384;
const ROWS = [0, 1, 2, 3];
const SUMS = ROWS.flatMap((row) => [`$left${row}`, `$right${row}`]);
/** Where things are in the one page of memory. Its zeros are as good as any numbers. */
const WEIGHTS = 8192;
const RESULTS = 16384;

const KERNELS = {
  relaxed: {
    rowBytes: INPUTS,
    inputsPerStep: 4,
    load: 'v128.load',
    add: (sum, weights) => `(i32x4.relaxed_dot_i8x16_i7x16_add_s (local.get ${weights}) (local.get $inputs) (local.get ${sum}))`,
  },
  simd128: {
    rowBytes: 2 * INPUTS,
    inputsPerStep: 2,
    load: 'v128.load8x8_s',
    add: (sum, weights) => `(i32x4.add (local.get ${sum}) (i32x4.dot_i16x8_s (local.get $inputs) (local.get ${weights})))`,
  },
};

/** The module's text. Each function takes how many tiles to multiply. */
export function text() {
  const functions = Object.entries(KERNELS).map(([name, kernel]) => `(func (export "${name}") ${body(kernel)})`);
  return `(module (memory 1) ${functions.join('\n')})`;
}

function body({ rowBytes, inputsPerStep, load, add }) {
  const weightBytes = 8 * inputsPerStep;
  const locals = [...ROWS.slice(1).map((row) => `(local $stride${row} i32)`), ...SUMS.map((sum) => `(local ${sum} v128)`)];
  return `(param $tiles i32) (local $weight i32) (local $input i32) (local $steps i32)
    (local $left v128) (local $right v128) (local $inputs v128) ${locals.join(' ')}
    ;; Rows lie a variable apart, as in the real loop, where no address is a constant.
    (local.set $stride1 (i32.const ${rowBytes}))
    (local.set $stride2 (i32.shl (local.get $stride1) (i32.const 1)))
    (local.set $stride3 (i32.mul (local.get $stride1) (i32.const 3)))
    (loop $tile
      (local.set $weight (i32.const ${WEIGHTS}))
      (local.set $input (i32.const 0))
      (local.set $steps (i32.const ${INPUTS / inputsPerStep}))
      (local.set ${SUMS[0]} (v128.const i32x4 0 0 0 0))
      ${SUMS.slice(1).map((sum) => `(local.set ${sum} (local.get ${SUMS[0]}))`).join(' ')}
      (loop $step
        (local.set $left (${load} (local.get $weight)))
        (local.set $right (${load} offset=${weightBytes / 2} (local.get $weight)))
        ${ROWS.map((row) => `
        (local.set $inputs (v128.load32_splat ${inputsOf(row)}))
        (local.set $left${row} ${add(`$left${row}`, '$left')})
        (local.set $right${row} ${add(`$right${row}`, '$right')})`).join('')}
        (local.set $input (i32.add (local.get $input) (i32.const 4)))
        (local.set $weight (i32.add (local.get $weight) (i32.const ${weightBytes})))
        (br_if $step (local.tee $steps (i32.add (local.get $steps) (i32.const -1)))))
      ${SUMS.map((sum, i) => `(v128.store offset=${RESULTS + 16 * i} (i32.const 0) (local.get ${sum}))`).join(' ')}
      (br_if $tile (local.tee $tiles (i32.add (local.get $tiles) (i32.const -1)))))`;
}

function inputsOf(row) {
  return row === 0 ? '(local.get $input)' : `(i32.add (local.get $input) (local.get $stride${row}))`;
}

/** @returns {Uint8Array} */
export function assemble() {
  const module = binaryen.parseText(text());
  module.setFeatures(binaryen.Features.SIMD128 | binaryen.Features.RelaxedSIMD);
  if (!module.validate()) throw new Error('the probe is no valid module');
  return module.emitBinary();
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`${assemble()},`.replace(/.{1,116},/g, '  $&\n').trimEnd());
}
