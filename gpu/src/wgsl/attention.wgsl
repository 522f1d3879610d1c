// softmax(q kᵀ · scale) v by head, each text by itself. A thread takes one query of one head and passes its text twice: for
// the best score, then for the weights.

struct Attention {
  // Numbers from row to row, and from there to the queries, keys and values.
  stride: u32,
  queries: u32,
  keys: u32,
  values: u32,
  // Width of all heads together.
  width: u32,
  scale: f32,
}

@group(0) @binding(1) var<uniform> layer: Attention;
@group(0) @binding(2) var<storage, read> queries: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> values: array<vec4<f32>>;
// Where the text of a row begins and ends.
@group(0) @binding(5) var<storage, read> spans: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> out: array<vec4<f32>>;

// Vectors of four in a head: written in before this is compiled.
const QUARTERS = HEAD_WIDTH / 4u;

var<private> query: array<vec4<f32>, QUARTERS>;
var<private> mixed: array<vec4<f32>, QUARTERS>;

fn start(row: u32, offset: u32, head: u32) -> u32 {
  return (row * layer.stride + offset) / 4u + head * QUARTERS;
}

fn score(token: u32, head: u32) -> f32 {
  let at = start(token, layer.keys, head);
  var sum = 0.0;
  for (var i = 0u; i < QUARTERS; i += 1u) {
    let product = query[i] * keys[at + i];
    sum = sum + product.x;
    sum = sum + product.y;
    sum = sum + product.z;
    sum = sum + product.w;
  }
  return sum;
}

// The weight of a token, which mixes in its value; beyond the text's end, 0.
fn weight(token: u32, end: u32, head: u32, best: f32) -> f32 {
  if (token >= end) { return 0.0; }
  let weight = exp_negative((score(token, head) - best) * layer.scale);
  let at = start(token, layer.values, head);
  for (var i = 0u; i < QUARTERS; i += 1u) { mixed[i] = mixed[i] + weight * values[at + i]; }
  return weight;
}

fn four_weights(token: u32, end: u32, head: u32, best: f32) -> vec4<f32> {
  let x = weight(token, end, head, best);
  let y = weight(token + 1u, end, head, best);
  let z = weight(token + 2u, end, head, best);
  let w = weight(token + 3u, end, head, best);
  return vec4<f32>(x, y, z, w);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group.x * 64u + thread;
  let head = group.y;
  if (row >= call.rows) { return; }
  let span = spans[row];
  let own = start(row, layer.queries, head);
  for (var i = 0u; i < QUARTERS; i += 1u) {
    query[i] = queries[own + i];
    mixed[i] = vec4<f32>();
  }
  var best = score(span.x, head);
  for (var token = span.x + 1u; token < span.y; token += 1u) { best = max(best, score(token, head)); }
  var low = vec4<f32>();
  var high = vec4<f32>();
  for (var token = span.x; token < span.y; token += 8u) {
    low = low + four_weights(token, span.y, head, best);
    high = high + four_weights(token + 4u, span.y, head, best);
  }
  let total = tree(low, high);
  let at = row * (layer.width / 4u) + head * QUARTERS;
  for (var i = 0u; i < QUARTERS; i += 1u) {
    let four = mixed[i];
    out[at + i] = vec4<f32>(divided(four.x, total), divided(four.y, total), divided(four.z, total), divided(four.w, total));
  }
}
