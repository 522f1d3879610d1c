// A text's rows to one unit vector. A workgroup takes one text.

struct Pool {
  width: u32,
  // The first row alone, as opposed to the mean.
  cls: u32,
}

@group(0) @binding(1) var<uniform> layer: Pool;
@group(0) @binding(2) var<storage, read> x: array<f32>;
// Those of texts stand behind those of rows.
@group(0) @binding(5) var<storage, read> spans: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

const LANES = 8u;
const THREADS = 64u;
const MOST_WIDTH = 2048u;

var<workgroup> vector: array<f32, MOST_WIDTH>;
var<workgroup> squares: array<f32, LANES>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let text = group.x;
  let span = spans[call.rows + text];
  let end = select(span.y, span.x + 1u, layer.cls != 0u);
  for (var i = thread; i < layer.width; i += THREADS) {
    var sum = 0.0;
    for (var row = span.x; row < end; row += 1u) { sum = sum + x[row * layer.width + i]; }
    vector[i] = sum;
  }
  workgroupBarrier();
  if (thread < LANES) {
    var square = 0.0;
    for (var i = thread; i < layer.width; i += LANES) { square = square + vector[i] * vector[i]; }
    squares[thread] = square;
  }
  workgroupBarrier();
  let length = root(tree(
    vec4<f32>(squares[0], squares[1], squares[2], squares[3]), vec4<f32>(squares[4], squares[5], squares[6], squares[7])));
  let start = (call.before + text) * layer.width;
  for (var i = thread; i < layer.width; i += THREADS) { out[start + i] = divided(vector[i], length); }
}
