//! Operators that move numbers and change none.

use super::*;

impl Reader<'_> {
    pub(super) fn konst(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let value = match node.tensor("value")? {
            Some(tensor) => values::load(tensor)?,
            None => match (node.float("value_float")?, node.int("value_int")?) {
                (Some(value), _) => tensor0(value),
                (None, Some(value)) => tensor0(value),
                _ => tensor1(&node.ints("value_ints")?.with_context(|| "the constant has no value that is read")?),
            },
        };
        Ok(tvec!(self.graph.add_const(name, value)?))
    }

    pub(super) fn cast(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let x = self.input(node, 0)?;
        let to = values::datum_type(node.int("to")?.with_context(|| "the type is missing")?)?;
        let from = self.fact(x)?.datum_type;
        // A dimension stays one: it may hold the length, which has no number yet.
        if from == to || (from == TDim::datum_type() && to == i64::datum_type()) {
            return Ok(tvec!(x));
        }
        Ok(tvec!(self.wire(name, cast(to), &[x])?))
    }

    pub(super) fn gather(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let (table, index) = (self.input(node, 0)?, self.input(node, 1)?);
        let axis = Self::axis(node.int("axis")?.unwrap_or(0), self.fact(table)?.rank())?;
        let index = wire_cast(name, &mut self.graph, &[index], i64::datum_type())?[0];
        Ok(tvec!(self.wire(name, CheckedGather { axis }, &[table, index])?))
    }

    pub(super) fn shape(&mut self, name: &str, node: &NodeProto) -> Outlets {
        ensure!(node.attribute.is_empty(), "a part of a shape cannot be read");
        let x = self.input(node, 0)?;
        let dims = self.fact(x)?.shape.to_tvec();
        Ok(tvec!(self.graph.add_const(name, tensor1(&dims))?))
    }

    pub(super) fn slice(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let mut x = self.input(node, 0)?;
        let (starts, ends) = (self.dims(self.input(node, 1)?)?, self.dims(self.input(node, 2)?)?);
        let rank = self.fact(x)?.rank();
        let axes = self.integers(node, "axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = self.integers(node, "steps", 4)?.unwrap_or_default();
        ensure!(steps.iter().all(|step| *step == 1) && starts.len() == ends.len() && axes.len() == ends.len(), "steps other than 1");
        for ((start, end), axis) in starts.iter().zip(&ends).zip(axes) {
            let axis = Self::axis(axis, rank)?;
            let dim = self.fact(x)?.shape[axis].clone();
            let op = Slice { axis, start: bound(start, &dim), end: bound(end, &dim) };
            x = self.wire(name, op, &[x])?;
        }
        Ok(tvec!(x))
    }

    pub(super) fn concat(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let parts = (0..node.input.len()).map(|i| self.input(node, i)).collect::<TractResult<Vec<_>>>()?;
        let first = self.fact(*parts.first().with_context(|| "nothing to join")?)?;
        let axis = Self::axis(node.int("axis")?.with_context(|| "the axis is missing")?, first.rank())?;
        let types = parts.iter().map(|part| Ok(self.fact(*part)?.datum_type)).collect::<TractResult<Vec<_>>>()?;
        let common = DatumType::super_type_for(types).with_context(|| "parts of types that do not mix")?;
        let parts = wire_cast(name, &mut self.graph, &parts, common)?;
        Ok(tvec!(self.wire(name, TypedConcat { axis }, &parts)?))
    }

    pub(super) fn squeeze(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let mut x = self.input(node, 0)?;
        let axes = self.integers(node, "axes", 1)?.with_context(|| "axes are missing")?;
        let rank = self.fact(x)?.rank();
        let adds = node.op_type == "Unsqueeze";
        let full = if adds { rank + axes.len() } else { rank };
        let mut axes = axes.iter().map(|axis| Self::axis(*axis, full)).collect::<TractResult<Vec<_>>>()?;
        axes.sort_unstable();
        if !adds {
            axes.reverse();
        }
        for axis in axes {
            x = self.wire(name, if adds { AxisOp::Add(axis) } else { AxisOp::Rm(axis) }, &[x])?;
        }
        Ok(tvec!(x))
    }

    pub(super) fn reshape(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let mut x = self.input(node, 0)?;
        let target = self.dims(self.input(node, 1)?)?;
        fence::check_axes(&target)?;
        let zero_is_zero = node.int("allowzero")?.unwrap_or(0) != 0;
        let shape = self.fact(x)?.shape.to_tvec();
        for op in to_axis_ops_with_onnx_rules(&shape, &target, zero_is_zero)? {
            x = self.wire(name, op, &[x])?;
        }
        Ok(tvec!(x))
    }

    pub(super) fn transpose(&mut self, name: &str, node: &NodeProto) -> Outlets {
        let mut x = self.input(node, 0)?;
        let rank = self.fact(x)?.rank();
        let order: Vec<i64> = node.ints("perm")?.unwrap_or_else(|| (0..rank as i64).rev().collect());
        let order = order.iter().map(|axis| Self::axis(*axis, rank)).collect::<TractResult<Vec<_>>>()?;
        ensure!((0..rank).all(|axis| order.contains(&axis)) && order.len() == rank, "{order:?} is no order of {rank} axes");
        for op in perm_to_ops(&order) {
            x = self.wire(name, op, &[x])?;
        }
        Ok(tvec!(x))
    }
}

/// A slice's bound as a place between 0 and the axis's end.
fn bound(at: &TDim, dim: &TDim) -> TDim {
    let Ok(at) = at.to_i64() else { return at.clone() };
    match dim.to_i64() {
        Ok(dim) => (if at < 0 { at.saturating_add(dim) } else { at }).clamp(0, dim.max(0)).to_dim(),
        Err(_) if at < 0 => dim.clone() + at,
        // Exporters write "to the end" as a huge number.
        Err(_) if at > i64::from(i32::MAX) - 1 => dim.clone(),
        Err(_) => at.to_dim(),
    }
}
