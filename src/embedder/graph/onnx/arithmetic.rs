//! Operators that compute.

use super::*;

impl Reader<'_> {
    /// x · w over the last two axes; all before them are shared or only in x.
    pub(super) fn matmul(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let (a, b) = (self.input(node, 0)?, self.input(node, 1)?);
        Ok(tvec!(self.product(name, a, b, f32::datum_type())?))
    }

    fn product(&mut self, name: &str, a: OutletId, b: OutletId, kind: DatumType) -> TractResult<OutletId> {
        let form = match (self.fact(a)?.rank(), self.fact(b)?.rank()) {
            (2, 2) => "mk,kn->mn",
            (3, 2) => "amk,kn->amn",
            (3, 3) => "amk,akn->amn",
            (4, 4) => "abmk,abkn->abmn",
            (a, b) => bail!("a product of ranks {a} and {b}"),
        };
        self.meet(form, a, b)?;
        self.wire(name, EinSum::new(form.parse()?, kind), &[a, b])
    }

    /// Axes that two factors share must be as long in both, for texts of any length: where they only might be, tract
    /// does not look again, and reads past the shorter one.
    fn meet(&self, form: &str, a: OutletId, b: OutletId) -> TractResult<()> {
        let (left, right) = form.split_once("->").and_then(|(factors, _)| factors.split_once(',')).with_context(|| "two factors")?;
        for (i, axis) in left.chars().enumerate() {
            let Some(j) = right.find(axis) else { continue };
            let (x, y) = (&self.fact(a)?.shape[i], &self.fact(b)?.shape[j]);
            let repeats = axis != 'k' && (x.is_one() || y.is_one());
            ensure!(x == y || repeats, "{x} numbers meet {y} in a product");
        }
        Ok(())
    }

    pub(super) fn softmax(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let x = self.input(node, 0)?;
        let rank = self.fact(x)?.rank();
        // Before opset 13, all axes from this one on were one.
        let default = if self.opset < 13 { 1 } else { -1 };
        let axis = Self::axis(node.int("axis")?.unwrap_or(default), rank)?;
        ensure!(axis + 1 == rank, "softmax over axis {axis} of {rank}; only the last is read");
        let op = Softmax { axes: tvec!(axis), quant_output_dt: None, kind: SoftmaxKind::Softmax };
        Ok(tvec!(self.wire(name, op, &[x])?))
    }

    pub(super) fn reduce_mean(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let x = self.input(node, 0)?;
        let rank = self.fact(x)?.rank();
        let axes = self.integers(node, "axes", 1)?.unwrap_or_default();
        let last = axes.len() == 1 && Self::axis(axes[0], rank)? + 1 == rank;
        ensure!(last && node.int("keepdims")?.unwrap_or(1) == 1, "only means over the last axis that keep it are read");
        Ok(tvec!(self.mean(name, x)?))
    }

    /// Mean over the last axis.
    fn mean(&mut self, name: &str, x: OutletId) -> TractResult<OutletId> {
        let shape = &self.fact(x)?.shape;
        let last = shape.rank().checked_sub(1).with_context(|| "a mean of a single number")?;
        let count = shape[last].to_usize()? as f32;
        let sum = self.wire(&format!("{name}.sum"), Reduce { axes: tvec!(last), reducer: Reducer::Sum }, &[x])?;
        let count = self.scalar(&format!("{name}.count"), count)?;
        self.binary(name, math::div(), sum, count)
    }

    /// Written out, as exporters before opset 17 do: one rule then finds both.
    pub(super) fn layer_norm(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let (x, gain) = (self.input(node, 0)?, self.input(node, 1)?);
        let rank = self.fact(x)?.rank();
        let axis = Self::axis(node.int("axis")?.unwrap_or(-1), rank)?;
        ensure!(axis + 1 == rank && node.output.iter().skip(1).all(String::is_empty), "normalisation over other than the last axis");
        let at = |part: &str| format!("{name}.{part}");
        let mean = self.mean(&at("mean"), x)?;
        let centred = self.binary(&at("centred"), math::sub(), x, mean)?;
        let squares = self.wire(&at("squares"), math::square(), &[centred])?;
        let variance = self.mean(&at("variance"), squares)?;
        let epsilon = self.scalar(&at("epsilon"), node.float("epsilon")?.unwrap_or(1e-5))?;
        let spread = self.binary(&at("spread"), math::add(), variance, epsilon)?;
        let root = self.wire(&at("root"), math::sqrt(), &[spread])?;
        let normalized = self.binary(&at("normalized"), math::div(), centred, root)?;
        let scaled = self.binary(&at("scaled"), math::mul(), normalized, gain)?;
        match self.optional(node, 2)? {
            Some(bias) => Ok(tvec!(self.binary(name, math::add(), scaled, bias)?)),
            None => Ok(tvec!(scaled)),
        }
    }

    /// (x - zero) · scale, with one of each or one for every place along an axis.
    pub(super) fn dequantize(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let (x, scale) = (self.input(node, 0)?, self.input(node, 1)?);
        let rank = self.fact(x)?.rank();
        let axis = node.int("axis")?.unwrap_or(1);
        let mut y = self.wire(&format!("{name}.float"), cast(f32::datum_type()), &[x])?;
        if let Some(zero) = self.optional(node, 2)? {
            let zero = self.wire(&format!("{name}.zero"), cast(f32::datum_type()), &[zero])?;
            let zero = self.along(&format!("{name}.zero.along"), zero, axis, rank)?;
            y = self.binary(&format!("{name}.shifted"), math::sub(), y, zero)?;
        }
        let scale = self.along(&format!("{name}.scale.along"), scale, axis, rank)?;
        Ok(tvec!(self.binary(name, math::mul(), y, scale)?))
    }

    /// A vector along one of `rank` axes; a scalar stays one.
    fn along(&mut self, name: &str, mut x: OutletId, axis: i64, rank: usize) -> TractResult<OutletId> {
        if self.fact(x)?.rank() == 1 && self.fact(x)?.shape.volume() != 1.to_dim() {
            for _ in Self::axis(axis, rank)? + 1..rank {
                let end = self.fact(x)?.rank();
                x = self.wire(name, AxisOp::Add(end), &[x])?;
            }
        }
        Ok(x)
    }

    /// u8 over the range of all numbers, 0 included: the values, their step and their zero.
    pub(super) fn dynamic_quantize(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let x = self.input(node, 0)?;
        let at = |part: &str| format!("{name}.{part}");
        let axes: TVec<usize> = (0..self.fact(x)?.rank()).collect();
        let (zero, levels) = (self.scalar(&at("nothing"), 0.0)?, self.scalar(&at("levels"), 255.0)?);
        let least = self.wire(&at("least"), Reduce { axes: axes.clone(), reducer: Reducer::Min }, &[x])?;
        let most = self.wire(&at("most"), Reduce { axes, reducer: Reducer::Max }, &[x])?;
        let least = self.binary(&at("low"), math::min(), least, zero)?;
        let most = self.binary(&at("high"), math::max(), most, zero)?;
        let range = self.binary(&at("range"), math::sub(), most, least)?;
        let step = self.binary(&at("step"), math::div(), range, levels)?;
        let below = self.binary(&at("below"), math::sub(), zero, least)?;
        let start = self.binary(&at("start"), math::div(), below, step)?;
        let start = self.wire(&at("start.rounded"), math::round_half_to_even(), &[start])?;
        let scaled = self.binary(&at("scaled"), math::div(), x, step)?;
        let rounded = self.wire(&at("rounded"), math::round_half_to_even(), &[scaled])?;
        let shifted = self.binary(&at("shifted"), math::add(), rounded, start)?;
        let above = self.binary(&at("above"), math::max(), shifted, zero)?;
        let within = self.binary(&at("within"), math::min(), above, levels)?;
        let value = self.wire(name, cast(u8::datum_type()), &[within])?;
        Ok(tvec!(value, step, self.wire(&at("zero"), cast(u8::datum_type()), &[start])?))
    }

    /// The exact sums of (a - its zero) · (b - its zero).
    pub(super) fn matmul_integer(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let mut sides = tvec!();
        for side in [0, 1] {
            let x = self.input(node, side)?;
            let at = |part: &str| format!("{name}.{side}.{part}");
            let mut wide = self.wire(&at("wide"), cast(i32::datum_type()), &[x])?;
            if let Some(zero) = self.optional(node, 2 + side)? {
                let zero = self.wire(&at("zero"), cast(i32::datum_type()), &[zero])?;
                wide = self.binary(&at("shifted"), math::sub(), wide, zero)?;
            }
            sides.push(wide);
        }
        Ok(tvec!(self.product(name, sides[0], sides[1], i32::datum_type())?))
    }
}
