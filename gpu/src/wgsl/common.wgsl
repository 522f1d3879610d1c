// What every kernel of this crate reads, and functions of f32 in the order of arithmetic that the CPU has them.

struct Call {
  // Of this dispatch.
  rows: u32,
  texts: u32,
  // Texts of the same call before this one's first.
  before: u32,
}

@group(0) @binding(0) var<uniform> call: Call;

// The upper half of a number's digits: products of halves are exact.
fn upper(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
}

// a - x y, which a device may have rounded x for: exact where x y is close to a.
fn remainder(a: f32, x: f32, y: f32) -> f32 {
  let product = x * y;
  let x_high = upper(x);
  let y_high = upper(y);
  let x_low = x - x_high;
  let y_low = y - y_high;
  let lost = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low;
  return (a - product) - lost;
}

// a / b, rounded as IEEE has it: devices may be off by 2.5 of the last digit.
fn divided(a: f32, b: f32) -> f32 {
  let quotient = a / b;
  return quotient + remainder(a, quotient, b) / b;
}

// The square root, rounded as IEEE has it.
fn root(x: f32) -> f32 {
  let close = sqrt(x);
  return select(close, close + remainder(x, close, close) / (2.0 * close), close > 0.0);
}

// Eight lanes, always in the same tree.
fn tree(a: vec4<f32>, b: vec4<f32>) -> f32 {
  let pairs = a + b;
  return (pairs.x + pairs.z) + (pairs.y + pairs.w);
}

// x Φ(x): a polynomial in x², as src/embedder/ops/math.rs has it.
fn gelu(x: vec4<f32>) -> vec4<f32> {
  const RANGE = 3.94f;
  let c = min(max(x, vec4<f32>(-RANGE)), vec4<f32>(RANGE));
  let square = c * c;
  var p = vec4<f32>(2.4802576e-8);
  p = p * square + -1.6986253e-6;
  p = p * square + 4.9870501e-5;
  p = p * square + -8.318179e-4;
  p = p * square + 0.008854768;
  p = p * square + -0.06474535;
  p = p * square + 0.39800078;
  return x * (0.5 + c * p);
}

// most * 2^y for y ≤ 0, not yet rounded.
fn power_of_negative(y: f32, most: f32) -> f32 {
  let above = max(y, -15.0);
  let n = round(above);
  let power = bitcast<f32>((i32(n) + 127) << 23u);
  let f = above - n;
  var p = 0.009570532;
  p = p * f + 0.055918664;
  p = p * f + 0.24024735;
  p = p * f + 0.6931217;
  p = p * f + 0.9999993;
  return p * (power * most);
}
