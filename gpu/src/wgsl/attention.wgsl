// softmax(q kᵀ · scale) v by head, each text by itself, in the integers that src/embedder/ops/attention.rs names. A thread
// takes one query of one head and passes its text three times: for the largest numbers, for the best score, and for the
// weights.

struct Attention {
  // Numbers from row to row, and from there to the queries, keys and values.
  stride: u32,
  queries: u32,
  keys: u32,
  values: u32,
  // Width of all heads together.
  width: u32,
  // log2 e times that of the softmax.
  scale: f32,
  // HEAD_WIDTH as no compiler sees it: to divide by what it sees, one multiplies by a rounded inverse.
  head_width: u32,
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

var<private> query: array<vec4<i32>, QUARTERS>;
var<private> mixed: array<vec4<i32>, QUARTERS>;

// number = integer * step
struct Scale {
  step: f32,
  inverse: f32,
  // The largest integer.
  most: f32,
}

// The one that takes the largest number, by magnitude, to the largest integer.
fn scale_of(numbers: vec4<f32>, terms: u32) -> Scale {
  let largest = max(max(numbers.x, numbers.y), max(numbers.z, numbers.w));
  let most = most_level(terms);
  return Scale(divided(largest, most), select(0.0, divided(most, largest), largest > 0.0), most);
}

// The largest level of two factors whose products, so many of them, 32 bits can sum: 14 bits at most.
fn most_level(terms: u32) -> f32 {
  let products = 2147483647u / terms;
  var level = u32(sqrt(f32(products)));
  // The root of a rounded number may be one too high or too low.
  if (level * level > products) { level -= 1u; }
  if ((level + 1u) * (level + 1u) <= products) { level += 1u; }
  return f32(min(level, 8191u));
}

fn integers(numbers: vec4<f32>, scale: Scale) -> vec4<i32> {
  return vec4<i32>(round(min(max(numbers * scale.inverse, vec4<f32>(-scale.most)), vec4<f32>(scale.most))));
}

fn start(row: u32, offset: u32, head: u32) -> u32 {
  return (row * layer.stride + offset) / 4u + head * QUARTERS;
}

fn score(token: u32, head: u32, key: Scale) -> i32 {
  let at = start(token, layer.keys, head);
  var sum = 0;
  for (var i = 0u; i < QUARTERS; i += 1u) { sum += dot(query[i], integers(keys[at + i], key)); }
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group.x * 64u + thread;
  let head = group.y;
  if (row >= call.rows) { return; }
  let span = spans[row];
  let own = start(row, layer.queries, head);
  var largest = vec4<f32>();
  for (var i = 0u; i < QUARTERS; i += 1u) { largest = max(largest, abs(queries[own + i])); }
  let asked = scale_of(largest, layer.head_width);
  for (var i = 0u; i < QUARTERS; i += 1u) {
    query[i] = integers(queries[own + i], asked);
    mixed[i] = vec4<i32>();
  }
  var largest_key = vec4<f32>();
  var largest_value = vec4<f32>();
  for (var token = span.x; token < span.y; token += 1u) {
    for (var i = 0u; i < QUARTERS; i += 1u) {
      largest_key = max(largest_key, abs(keys[start(token, layer.keys, head) + i]));
      largest_value = max(largest_value, abs(values[start(token, layer.values, head) + i]));
    }
  }
  let key = scale_of(largest_key, layer.head_width);
  let value = scale_of(largest_value, span.y - span.x);
  var best = score(span.x, head, key);
  for (var token = span.x + 1u; token < span.y; token += 1u) { best = max(best, score(token, head, key)); }
  let unit = layer.scale * (asked.step * key.step);
  var total = 0;
  for (var token = span.x; token < span.y; token += 1u) {
    let weight = i32(round(power_of_negative((f32(score(token, head, key)) - f32(best)) * unit, value.most)));
    let at = start(token, layer.values, head);
    for (var i = 0u; i < QUARTERS; i += 1u) { mixed[i] += weight * integers(values[at + i], value); }
    total += weight;
  }
  let share = divided(value.step, f32(total));
  let at = row * (layer.width / 4u) + head * QUARTERS;
  for (var i = 0u; i < QUARTERS; i += 1u) { out[at + i] = vec4<f32>(mixed[i]) * share; }
}
