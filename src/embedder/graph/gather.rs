//! tract's Gather, asked first whether every index is a row: its own reads past the table, and panics there.

use tract_core::internal::*;
use tract_core::ops::array::Gather;

/// Rows of a table by number, along one axis. A negative number counts from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CheckedGather {
    pub(super) axis: usize,
}

impl CheckedGather {
    fn gather(&self) -> Gather {
        Gather::new(self.axis)
    }
}

impl Op for CheckedGather {
    fn name(&self) -> StaticName {
        "Gather".into()
    }

    op_as_typed_op!();
}

impl EvalOp for CheckedGather {
    op_out_of_plan!();

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let rows = *inputs[0].shape().get(self.axis).with_context(|| "the table lacks the axis")? as i64;
        let indices = inputs[1].try_as_plain_ram()?.as_slice::<i64>()?;
        if let Some(index) = indices.iter().find(|index| !(-rows..rows).contains(*index)) {
            bail!("row {index} of a table of {rows} is asked for");
        }
        self.gather().eval(context, inputs)
    }
}

impl TypedOp for CheckedGather {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        self.gather().output_facts(inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(indices: &[i64]) -> TractResult<Vec<f32>> {
        let table = tensor2(&[[1f32, 2.0], [3.0, 4.0]]).into_tvalue();
        let rows = CheckedGather { axis: 0 }.eval(&EvalContext::out_of_plan(), tvec!(table, tensor1(indices).into_tvalue()))?;
        Ok(rows[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
    }

    #[test]
    fn rows_count_from_both_ends() {
        assert_eq!(gather(&[1, -2]).unwrap(), [3.0, 4.0, 1.0, 2.0]);
    }

    #[test]
    fn a_row_that_is_not_there_is_an_error() {
        for index in [2, -3, i64::MAX, i64::MIN] {
            assert!(gather(&[index]).unwrap_err().to_string().contains("a table of 2"));
        }
    }
}
