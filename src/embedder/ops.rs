//! The five fused ops of a BERT-family encoder, as tract ops: embed, linear, attention, norm, pool.
//!
//! Rows are [1, tokens, width]: one text's tokens, or those of many texts behind each other without padding. `segments`
//! tells them apart: text i owns the rows from `segments[i]` to `segments[i + 1]`.
//!
//! All arithmetic is IEEE f32 in one written order, in lanes of eight: every target gives the same bits.

mod attention;
mod embed;
mod linear;
pub(super) mod math;
mod norm;
mod pool;

pub(super) use attention::{Attention, Layout};
pub(super) use embed::{Embed, Place, Table};
pub(super) use linear::Linear;
pub(super) use norm::Norm;
pub(super) use pool::Pool;

use tract_core::internal::*;

/// What tract needs to know of a fused op: its maths on plain slices and the shape it gives.
pub(super) trait Fused {
    /// Name in reports.
    const NAME: &'static str;

    fn output(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TDim>>;
    fn run(&self, inputs: &[&Tensor]) -> TractResult<Tensor>;
}

/// Makes a [`Fused`] one of tract's ops. Two are the same op only where they share their parameters.
macro_rules! tract_op {
    ($op:ty) => {
        impl PartialEq for $op {
            fn eq(&self, other: &Self) -> bool {
                self.same(other)
            }
        }

        impl Eq for $op {}

        impl Op for $op {
            fn name(&self) -> StaticName {
                <Self as Fused>::NAME.into()
            }

            op_as_typed_op!();
        }

        impl EvalOp for $op {
            op_out_of_plan!();

            fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
                let tensors: TVec<&Tensor> = inputs.iter().map(|input| &**input).collect();
                Ok(tvec!(self.run(&tensors)?.into_tvalue()))
            }
        }

        impl TypedOp for $op {
            as_op!();

            fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
                Ok(tvec!(f32::fact(&*self.output(inputs)?)))
            }
        }
    };
}
use tract_op;

fn floats(tensor: &Tensor) -> TractResult<&[f32]> {
    tensor.try_as_plain_ram()?.as_slice::<f32>()
}

fn integers(tensor: &Tensor) -> TractResult<&[i64]> {
    tensor.try_as_plain_ram()?.as_slice::<i64>()
}

/// A new tensor, filled by `fill` from zeros.
fn filled(shape: &[usize], fill: impl FnOnce(&mut [f32])) -> TractResult<Tensor> {
    let mut out = Tensor::zero::<f32>(shape)?;
    fill(out.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?);
    Ok(out)
}

/// The row ranges of `segments`, checked against the number of rows.
fn ranges(segments: &Tensor, rows: usize) -> TractResult<Vec<std::ops::Range<usize>>> {
    let ends = integers(segments)?;
    let rising = ends.first() == Some(&0) && ends.last() == Some(&(rows as i64)) && ends.is_sorted();
    ensure!(rising, "segments must rise from 0 to the {rows} rows");
    Ok(ends.windows(2).map(|w| w[0] as usize..w[1] as usize).collect())
}
