//! What a fused op looks like in the graph that tract reads from ONNX: one rule per op. A rule looks at one node and
//! answers with a patch, or with nothing where the graph says something else.

use super::super::kernel::{Activations, Epilogue, Kernel, Packed, Stored, finite};
use super::super::ops::{Attention, Layout, Linear, Norm};
use super::pattern::Pattern;
use std::f32::consts::FRAC_1_SQRT_2;
use tract_core::internal::*;
use tract_core::ops::{
    binary::TypedBinOp,
    cast::Cast,
    change_axes::AxisOp,
    math::{Add, Div, Erf, Mul, Pow, Sqrt, Square, Sub},
    nn::{Softmax, SoftmaxKind},
};

/// What rules need to know beside the graph.
pub(super) struct Context {
    pub(super) activations: Activations,
    /// The first of what this machine has for the format.
    pub(super) kernel: Kernel,
    /// Where a text ends and the next begins.
    pub(super) segments: OutletId,
}

type Rule = TractResult<Option<TypedModelPatch>>;

/// Puts `op` over `inputs` in the place of `outlet`.
pub(super) fn replace(p: &Pattern, outlet: OutletId, op: impl Into<Box<dyn TypedOp>>, inputs: &[OutletId]) -> Rule {
    let mut patch = TypedModelPatch::default();
    let taps = patch.taps(p.model, inputs)?;
    let name = format!("{}.fused", p.model.node(outlet.node).name);
    let wire = patch.wire_node(name, op.into(), &taps)?;
    patch.shunt_outside(p.model, outlet, wire[0])?;
    Ok(Some(patch))
}

/// (x - mean) / √(var + ε) · gain + bias
pub(super) fn norm(_: &Context, p: &Pattern, outlet: OutletId) -> Rule {
    let Some((x, norm)) = read_norm(p, outlet) else { return Ok(None) };
    let shape = p.fact(outlet).map(|f| &f.shape);
    let residual = p.binary::<Add>(x).filter(|(a, b)| [a, b].iter().all(|side| p.fact(**side).map(|f| &f.shape) == shape));
    match residual {
        Some((a, b)) => replace(p, outlet, norm, &[a, b]),
        None => replace(p, outlet, norm, &[x]),
    }
}

fn read_norm(p: &Pattern, outlet: OutletId) -> Option<(OutletId, Norm)> {
    let width = p.width(outlet)?;
    let (scaled, bias) = p.with_vector::<Add>(outlet, width)?;
    let (normalized, gain) = p.with_vector::<Mul>(scaled, width)?;
    let (centred, spread) = divided_by_root(p, normalized)?;
    let (variance, epsilon) = p.with_scalar::<Add>(spread)?;
    let squares = p.mean(variance)?;
    let (x, mean) = p.binary::<Sub>(centred)?;
    let fits = squared(p, squares)? == centred && p.mean(mean)? == x && finite(&gain) && finite(&bias);
    fits.then(|| (x, Norm { gain: gain.into(), bias: bias.into(), epsilon }))
}

/// x / √v
fn divided_by_root(p: &Pattern, outlet: OutletId) -> Option<(OutletId, OutletId)> {
    let (x, root) = p.binary::<Div>(outlet)?;
    Some((x, p.unary::<Sqrt>(root)?))
}

/// x² in any of its spellings
fn squared(p: &Pattern, outlet: OutletId) -> Option<OutletId> {
    let power = || {
        let (x, two) = p.binary::<Pow>(outlet)?;
        (p.scalar(two)? == 2.0).then_some(x)
    };
    let product = || p.binary::<Mul>(outlet).filter(|(a, b)| a == b).map(|(a, _)| a);
    p.unary::<Square>(outlet).or_else(power).or_else(product)
}

/// x · dequantized int8 weights, and the bias that follows
pub(super) fn linear(context: &Context, p: &Pattern, outlet: OutletId) -> Rule {
    if context.activations == Activations::Float {
        return Ok(None);
    }
    let Some((x, weights, node)) = p.product(outlet, "amk,kn->amn") else { return Ok(None) };
    let Some((values, scale)) = dequantized(p, weights) else { return Ok(None) };
    let mut end = OutletId::from(node.id);
    let mut bias = vec![0.0; scale.len()];
    if let Some(next) = p.model.single_succ(node.id)?.filter(|next| next.op_is::<TypedBinOp>())
        && let Some((product, vector)) = p.with_vector::<Add>(next.id.into(), scale.len())
        && product == end
    {
        (end, bias) = (next.id.into(), vector);
    }
    let width = p.width(x).unwrap_or(0);
    let smoothed = p.with_vector::<Mul>(x, width);
    let stored = Stored { weights: &values, scale: &scale, bias: &bias, smooth: smoothed.as_ref().map(|(_, t)| t.as_slice()) };
    ensure!(finite(&scale) && finite(&bias) && finite(stored.smooth.unwrap_or_default()), "weights that are not finite");
    let weights = Packed::new(&stored, context.activations, context.kernel).map_err(|e| format_err!("{e}"))?;
    let x = smoothed.map_or(x, |(x, _)| x);
    replace(p, end, Linear { weights: Arc::new(weights), epilogue: Epilogue::Plain }, &[x])
}

/// (int8 - 0) · scale by output
fn dequantized(p: &Pattern, outlet: OutletId) -> Option<(super::super::file::Bytes, Vec<f32>)> {
    let (shifted, scale) = p.with_vector::<Mul>(outlet, p.width(outlet)?)?;
    let cast = match p.binary::<Sub>(shifted) {
        Some((x, zero)) => p.floats(zero)?.iter().all(|z| *z == 0.0).then_some(x)?,
        None => shifted,
    };
    let (_, node) = p.op::<Cast>(cast)?;
    Some((p.bytes(node.inputs[0])?, scale))
}

/// x (1 + erf(x/√2)) / 2 after a linear op
pub(super) fn gelu(_: &Context, p: &Pattern, outlet: OutletId) -> Rule {
    let Some(x) = read_gelu(p, outlet) else { return Ok(None) };
    match p.op::<Linear>(x) {
        Some((linear, node)) if linear.epilogue == Epilogue::Plain => {
            let op = Linear { weights: linear.weights.clone(), epilogue: Epilogue::Gelu };
            replace(p, outlet, op, &node.inputs)
        }
        _ => Ok(None),
    }
}

fn read_gelu(p: &Pattern, outlet: OutletId) -> Option<OutletId> {
    p.binary::<Mul>(outlet)?;
    let gate = |factor: OutletId| {
        let (erf, one) = p.with_scalar::<Add>(factor)?;
        let (x, factor) = p.scaled(p.unary::<Erf>(erf)?)?;
        (one == 1.0 && (factor - FRAC_1_SQRT_2).abs() < 1e-6).then_some(x)
    };
    let factors = p.factors(outlet);
    let gated = factors.iter().find_map(|f| gate(*f))?;
    let half: f32 = factors.iter().filter_map(|f| p.scalar(*f)).product();
    let times = factors.iter().filter(|f| **f == gated).count();
    let others = factors.iter().filter(|f| p.scalar(**f).is_none()).count();
    (half == 0.5 && times == 1 && others == 2).then_some(gated)
}

/// softmax(q kᵀ c + mask) v over heads; `unmasked` tells whether a mask hides nothing in a text without padding
pub(super) fn attention(context: &Context, p: &Pattern, outlet: OutletId, unmasked: &mut dyn FnMut(OutletId) -> bool) -> Rule {
    let Some(found) = read_attention(p, outlet) else { return Ok(None) };
    if !found.mask.is_none_or(unmasked) {
        return Ok(None);
    }
    let Read { heads, head_width, scale, parts, .. } = found;
    let linears: Option<Vec<_>> = parts.iter().map(|part| p.op::<Linear>(*part)).collect();
    if let Some(linears) = linears
        && linears.iter().all(|(op, node)| op.epilogue == Epilogue::Plain && node.inputs == linears[0].1.inputs)
        && let Some(joined) = Packed::join(&linears.iter().map(|(op, _)| &*op.weights).collect::<Vec<_>>())
    {
        let mut patch = TypedModelPatch::default();
        let taps = patch.taps(p.model, &[linears[0].1.inputs[0], context.segments])?;
        let name = &p.model.node(outlet.node).name;
        let linear = Linear { weights: Arc::new(joined), epilogue: Epilogue::Plain };
        let rows = patch.wire_node(format!("{name}.joined"), linear, &taps[..1])?[0];
        let op = Attention { heads, head_width, scale, layout: Layout::Joined };
        let wire = patch.wire_node(format!("{name}.fused"), op, &[rows, taps[1]])?;
        patch.shunt_outside(p.model, outlet, wire[0])?;
        return Ok(Some(patch));
    }
    let op = Attention { heads, head_width, scale, layout: Layout::Apart };
    replace(p, outlet, op, &[parts[0], parts[1], parts[2], context.segments])
}

struct Read {
    heads: usize,
    head_width: usize,
    scale: f32,
    mask: Option<OutletId>,
    parts: [OutletId; 3],
}

fn read_attention(p: &Pattern, outlet: OutletId) -> Option<Read> {
    const MATMUL: &str = "abmk,abkn->abmn";
    let (op, node) = p.op::<AxisOp>(outlet)?;
    let AxisOp::Reshape(2, from, _) = op else { return None };
    let [heads, head_width] =
        from.iter().map(|d| d.to_usize().ok().filter(|size| *size > 0)).collect::<Option<Vec<_>>>()?.try_into().ok()?;
    let (context, order) = moved(p, node.inputs[0]);
    let (weights, values, _) = p.product(context, MATMUL).filter(|_| order == [0, 2, 1, 3])?;
    let (softmax, node) = p.op::<Softmax>(weights)?;
    let plain = softmax.kind == SoftmaxKind::Softmax && softmax.quant_output_dt.is_none() && *softmax.axes == [3];
    let (scores, mask) = match p.binary::<Add>(node.inputs[0]) {
        Some((a, b)) if p.fact(a)?.shape[2].is_one() => (b, Some(a)),
        Some((a, b)) => (a, Some(b)),
        None => (node.inputs[0], None),
    };
    let (product, scale) = p.scaled(scores).unwrap_or((scores, 1.0));
    let (queries, keys, _) = p.product(product, MATMUL).filter(|_| plain)?;
    let part = |outlet, wanted| split(p, outlet, wanted, heads, head_width);
    let parts = [part(queries, [0, 2, 1, 3])?, part(keys, [0, 2, 3, 1])?, part(values, [0, 2, 1, 3])?];
    Some(Read { heads, head_width, scale, mask, parts })
}

/// The rows behind [1, heads, tokens, head width] or its transposition.
fn split(p: &Pattern, outlet: OutletId, wanted: [usize; 4], heads: usize, head_width: usize) -> Option<OutletId> {
    let (split, order) = moved(p, outlet);
    let (op, node) = p.op::<AxisOp>(split)?;
    let shape = [heads.to_dim(), head_width.to_dim()];
    let fits = matches!(op, AxisOp::Reshape(2, from, to) if **to == shape && **from == [(heads * head_width).to_dim()]);
    (fits && order == wanted).then(|| node.inputs[0])
}

/// What stands behind moves of axes, and the order into which they bring four axes.
fn moved(p: &Pattern, outlet: OutletId) -> (OutletId, [usize; 4]) {
    let Some((AxisOp::Move(from, to), node)) = p.op::<AxisOp>(outlet) else { return (outlet, [0, 1, 2, 3]) };
    let (behind, order) = moved(p, node.inputs[0]);
    let mut order = order.to_vec();
    if *from >= order.len() || *to >= order.len() {
        return (outlet, [0, 1, 2, 3]);
    }
    let axis = order.remove(*from);
    order.insert(*to, axis);
    (behind, order.try_into().unwrap_or([0, 1, 2, 3]))
}
