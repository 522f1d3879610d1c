// x · w of int8 weights and quantized rows, then bias and GELU. A workgroup computes 32 rows of 64 outputs: it finds each
// row's range, quantizes a piece of the rows on the way into shared memory, and multiplies piece by piece.

struct Linear {
  inputs: u32,
  outputs: u32,
  // The smallest and the largest level of an activation.
  low: f32,
  high: f32,
  gelu: u32,
  smoothed: u32,
}

@group(0) @binding(1) var<uniform> layer: Linear;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
// Four inputs of one output a number, four outputs a vector.
@group(0) @binding(3) var<storage, read> weights: array<vec4<u32>>;
// [smooth], scale, sum, bias
@group(0) @binding(4) var<storage, read> affine: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> out: array<vec4<f32>>;

const ROWS = 32u;
const COLUMNS = 64u;
const THREADS = 128u;
// Words of four inputs in one piece.
const PIECE = 16u;

var<workgroup> least: array<vec4<f32>, THREADS>;
var<workgroup> most: array<vec4<f32>, THREADS>;
var<workgroup> offset: array<f32, ROWS>;
var<workgroup> steps: array<f32, ROWS>;
var<workgroup> inverse: array<f32, ROWS>;
// Levels as 128 h + l with l from 0 to 127, four to a word: both fit into bytes.
var<workgroup> low_bits: array<u32, PIECE * ROWS>;
var<workgroup> high_bits: array<u32, PIECE * ROWS>;
var<workgroup> panel: array<vec4<u32>, PIECE * COLUMNS / 4u>;

fn smoothed(row: u32, word: u32) -> vec4<f32> {
  let four = x[row * (layer.inputs / 4u) + word];
  if (layer.smoothed == 0u) { return four; }
  return four * affine[word];
}

fn bytes(levels: vec4<i32>) -> u32 {
  let low = vec4<u32>(levels) & vec4<u32>(255u);
  return low.x | (low.y << 8u) | (low.z << 16u) | (low.w << 24u);
}

// Four threads a row find its range; one of them makes the step of it.
fn find_ranges(first: u32, thread: u32) {
  let words = layer.inputs / 4u;
  let row = min(first + thread / 4u, call.rows - 1u);
  var smallest = smoothed(row, 0u);
  var largest = smallest;
  for (var word = thread % 4u; word < words; word += 4u) {
    let four = smoothed(row, word);
    smallest = min(smallest, four);
    largest = max(largest, four);
  }
  least[thread] = smallest;
  most[thread] = largest;
  workgroupBarrier();
  if (thread < ROWS) {
    let at = thread * 4u;
    let low = min(min(least[at], least[at + 1u]), min(least[at + 2u], least[at + 3u]));
    let high = max(max(most[at], most[at + 1u]), max(most[at + 2u], most[at + 3u]));
    let smallest_of_row = min(min(low.x, low.y), min(low.z, low.w));
    let largest_of_row = max(max(high.x, high.y), max(high.z, high.w));
    // A row without a range needs no levels: its offset is its value.
    let has_range = largest_of_row > smallest_of_row;
    let row_step = select(0.0, divided(largest_of_row - smallest_of_row, layer.high - layer.low), has_range);
    steps[thread] = row_step;
    inverse[thread] = select(0.0, divided(1.0, row_step), has_range);
    least[thread * 4u] = vec4<f32>(smallest_of_row);
    offset[thread] = smallest_of_row - layer.low * row_step;
  }
  workgroupBarrier();
}

fn quantize(first: u32, piece: u32, thread: u32) {
  let word = piece + thread % PIECE;
  for (var row = thread / PIECE; row < ROWS; row += THREADS / PIECE) {
    let at = (thread % PIECE) * ROWS + row;
    var levels = vec4<i32>();
    if (word < layer.inputs / 4u) {
      let four = smoothed(min(first + row, call.rows - 1u), word);
      let scaled = (four - least[row * 4u]) * inverse[row] + layer.low;
      // What is not a number becomes the highest level.
      levels = vec4<i32>(round(select(vec4<f32>(layer.high), scaled, scaled < vec4<f32>(layer.high))));
    }
    low_bits[at] = bytes(levels & vec4<i32>(127));
    high_bits[at] = bytes(levels >> vec4<u32>(7u));
  }
}

fn load_panel(first: u32, piece: u32, thread: u32) {
  let quarters = layer.outputs / 4u;
  for (var at = thread; at < PIECE * COLUMNS / 4u; at += THREADS) {
    let word = piece + at / (COLUMNS / 4u);
    let column = first / 4u + at % (COLUMNS / 4u);
    var four = vec4<u32>();
    if (word < layer.inputs / 4u && column < quarters) { four = weights[word * quarters + column]; }
    panel[at] = four;
  }
}

fn products(levels: u32, four: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(
    dot4I8Packed(levels, four.x), dot4I8Packed(levels, four.y), dot4I8Packed(levels, four.z), dot4I8Packed(levels, four.w));
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let first_row = group.y * ROWS;
  let first_column = group.x * COLUMNS;
  find_ranges(first_row, thread);
  let column = thread % 16u;
  let row = thread / 16u * 4u;
  let wide = layer.low < 0.0;
  // Four rows, written out: an index would keep them in memory on devices that do not unroll.
  var sums_0 = vec4<i32>();
  var sums_1 = vec4<i32>();
  var sums_2 = vec4<i32>();
  var sums_3 = vec4<i32>();
  for (var piece = 0u; piece < layer.inputs / 4u; piece += PIECE) {
    quantize(first_row, piece, thread);
    load_panel(first_column, piece, thread);
    workgroupBarrier();
    for (var k = 0u; k < PIECE; k += 1u) {
      let four = panel[k * (COLUMNS / 4u) + column];
      let at = k * ROWS + row;
      sums_0 += products(low_bits[at], four);
      sums_1 += products(low_bits[at + 1u], four);
      sums_2 += products(low_bits[at + 2u], four);
      sums_3 += products(low_bits[at + 3u], four);
      if (wide) {
        sums_0 += products(high_bits[at], four) * 128;
        sums_1 += products(high_bits[at + 1u], four) * 128;
        sums_2 += products(high_bits[at + 2u], four) * 128;
        sums_3 += products(high_bits[at + 3u], four) * 128;
      }
    }
    workgroupBarrier();
  }
  let quarters = layer.outputs / 4u;
  let quarter = first_column / 4u + column;
  if (quarter >= quarters) { return; }
  let start = select(0u, layer.inputs / 4u, layer.smoothed != 0u) + quarter;
  let scale = affine[start];
  let sum = affine[start + quarters];
  let bias = affine[start + 2u * quarters];
  let sums = array<vec4<i32>, 4>(sums_0, sums_1, sums_2, sums_3);
  for (var r = 0u; r < 4u; r += 1u) {
    if (first_row + row + r >= call.rows) { return; }
    let product = vec4<f32>(sums[r]) * (steps[row + r] * scale);
    let y = product + (offset[row + r] * sum + bias);
    var finished = y;
    if (layer.gelu != 0u) { finished = gelu(y); }
    out[(first_row + row + r) * quarters + quarter] = finished;
  }
}
