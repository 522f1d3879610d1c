//! Questions about a typed graph: what computes this value?

use super::super::file::{Bytes, Tensors, floats};
use tract_core::internal::*;
use tract_core::ops::{
    binary::{BinMiniOp, TypedBinOp},
    einsum::EinSum,
    element_wise::{ElementWiseMiniOp, ElementWiseOp},
    math::{Add, Div, Mul},
    nn::{Reduce, Reducer},
    source::TypedSource,
};

/// A graph, and the big tensors that wait beside it as if they were inputs.
pub(super) struct Pattern<'a> {
    pub(super) model: &'a TypedModel,
    pub(super) tensors: &'a Tensors,
}

impl<'a> Pattern<'a> {
    /// The op behind a value.
    pub(super) fn op<O: Op>(&self, outlet: OutletId) -> Option<(&'a O, &'a TypedNode)> {
        let node = &self.model.nodes()[outlet.node];
        node.op_as::<O>().map(|op| (op, node))
    }

    pub(super) fn fact(&self, outlet: OutletId) -> Option<&'a TypedFact> {
        self.model.outlet_fact(outlet).ok()
    }

    pub(super) fn unary<O: ElementWiseMiniOp>(&self, outlet: OutletId) -> Option<OutletId> {
        let (op, node) = self.op::<ElementWiseOp>(outlet)?;
        op.0.is::<O>().then(|| node.inputs[0])
    }

    pub(super) fn binary<O: BinMiniOp>(&self, outlet: OutletId) -> Option<(OutletId, OutletId)> {
        let (op, node) = self.op::<TypedBinOp>(outlet)?;
        op.0.is::<O>().then(|| (node.inputs[0], node.inputs[1]))
    }

    /// A commutative op with a side for which `known` knows an answer: the other side and the answer.
    fn either<O: BinMiniOp, T>(&self, outlet: OutletId, known: impl Fn(OutletId) -> Option<T>) -> Option<(OutletId, T)> {
        let (a, b) = self.binary::<O>(outlet)?;
        known(b).map(|t| (a, t)).or_else(|| known(a).map(|t| (b, t)))
    }

    pub(super) fn with_scalar<O: BinMiniOp>(&self, outlet: OutletId) -> Option<(OutletId, f32)> {
        self.either::<O, _>(outlet, |side| self.scalar(side))
    }

    pub(super) fn with_vector<O: BinMiniOp>(&self, outlet: OutletId, len: usize) -> Option<(OutletId, Vec<f32>)> {
        self.either::<O, _>(outlet, |side| self.vector(side, len))
    }

    /// x · c, or x / c as x · (1 / c).
    pub(super) fn scaled(&self, outlet: OutletId) -> Option<(OutletId, f32)> {
        let divided = || {
            let (x, by) = self.binary::<Div>(outlet)?;
            Some((x, 1.0 / self.scalar(by)?))
        };
        self.with_scalar::<Mul>(outlet).or_else(divided)
    }

    pub(super) fn konst(&self, outlet: OutletId) -> Option<&'a Tensor> {
        self.fact(outlet)?.konst.as_deref()
    }

    pub(super) fn floats(&self, outlet: OutletId) -> Option<&'a [f32]> {
        self.konst(outlet)?.try_as_plain_ram().ok()?.as_slice::<f32>().ok()
    }

    pub(super) fn scalar(&self, outlet: OutletId) -> Option<f32> {
        match self.floats(outlet)? {
            [value] => Some(*value),
            _ => None,
        }
    }

    /// A constant that lies along the last axis.
    pub(super) fn vector(&self, outlet: OutletId, len: usize) -> Option<Vec<f32>> {
        let along = self.konst(outlet)?.shape().last() == Some(&len);
        self.floats(outlet).filter(|values| along && values.len() == len).map(<[f32]>::to_vec)
    }

    /// Sum over the last axis.
    pub(super) fn sum(&self, outlet: OutletId) -> Option<OutletId> {
        let (op, node) = self.op::<Reduce>(outlet)?;
        let last = self.fact(node.inputs[0])?.rank() - 1;
        (op.reducer == Reducer::Sum && *op.axes == [last]).then(|| node.inputs[0])
    }

    /// Mean over the last axis.
    pub(super) fn mean(&self, outlet: OutletId) -> Option<OutletId> {
        let (sum, factor) = self.scaled(outlet)?;
        let x = self.sum(sum)?;
        let width = self.width(x)? as f32;
        ((factor * width - 1.0).abs() < 1e-6).then_some(x)
    }

    /// Size of the last axis.
    pub(super) fn width(&self, outlet: OutletId) -> Option<usize> {
        self.fact(outlet)?.shape.last()?.to_usize().ok()
    }

    /// A product of two values, of the form that ONNX's MatMul has.
    pub(super) fn product(&self, outlet: OutletId, form: &str) -> Option<(OutletId, OutletId, &'a TypedNode)> {
        let (op, node) = self.op::<EinSum>(outlet)?;
        (op.q_params.is_none() && op.axes.to_string() == form).then(|| (node.inputs[0], node.inputs[1], node))
    }

    /// A table of int8 numbers, row by row, wherever it waits.
    pub(super) fn bytes(&self, outlet: OutletId) -> Option<Bytes> {
        let (_, node) = self.op::<TypedSource>(outlet)?;
        let int8 = self.fact(outlet)?.datum_type == i8::datum_type();
        self.tensors.get(&node.name).filter(|_| int8).map(|tensor| tensor.data.clone())
    }

    /// A table of bytes, row by row, that waits.
    pub(super) fn bits(&self, outlet: OutletId) -> Option<Bytes> {
        let (_, node) = self.op::<TypedSource>(outlet)?;
        let bytes = self.fact(outlet)?.datum_type == u8::datum_type();
        self.tensors.get(&node.name).filter(|_| bytes).map(|tensor| tensor.data.clone())
    }

    /// A table of floats, wherever it waits.
    pub(super) fn table(&self, outlet: OutletId) -> Option<Arc<[f32]>> {
        if let Some(values) = self.floats(outlet) {
            return Some(values.into());
        }
        let (_, node) = self.op::<TypedSource>(outlet)?;
        let float = self.fact(outlet)?.datum_type == f32::datum_type();
        let tensor = self.tensors.get(&node.name).filter(|_| float)?;
        Some(floats(&tensor.data).collect())
    }

    /// The terms of a sum.
    pub(super) fn terms(&self, outlet: OutletId) -> Vec<OutletId> {
        match self.binary::<Add>(outlet) {
            Some((a, b)) => [self.terms(a), self.terms(b)].concat(),
            None => vec![outlet],
        }
    }

    /// The factors of a product.
    pub(super) fn factors(&self, outlet: OutletId) -> Vec<OutletId> {
        match self.binary::<Mul>(outlet) {
            Some((a, b)) => [self.factors(a), self.factors(b)].concat(),
            None => vec![outlet],
        }
    }
}
