//! Settings and constants of nodes.

use super::*;
use crate::embedder::protobuf::{AttributeProto, AttributeType, DataType};

const ELSEWHERE: i32 = 1;

impl NodeProto {
    fn attribute(&self, name: &str, kind: AttributeType) -> TractResult<Option<&AttributeProto>> {
        let found = self.attribute.iter().find(|attribute| attribute.name == name);
        let found_kind = found.map_or(kind as i32, |attribute| attribute.r#type);
        ensure!(found_kind == kind as i32, "attribute {name} is of type {found_kind}, expected {kind:?}");
        Ok(found)
    }

    pub(super) fn int(&self, name: &str) -> TractResult<Option<i64>> {
        Ok(self.attribute(name, AttributeType::Int)?.map(|attribute| attribute.i))
    }

    pub(super) fn float(&self, name: &str) -> TractResult<Option<f32>> {
        Ok(self.attribute(name, AttributeType::Float)?.map(|attribute| attribute.f))
    }

    pub(super) fn ints(&self, name: &str) -> TractResult<Option<Vec<i64>>> {
        Ok(self.attribute(name, AttributeType::Ints)?.map(|attribute| attribute.ints.clone()))
    }

    pub(super) fn tensor(&self, name: &str) -> TractResult<Option<&TensorProto>> {
        Ok(self.attribute(name, AttributeType::Tensor)?.and_then(|attribute| attribute.t.as_ref()))
    }
}

/// The kind of numbers that ONNX numbers so.
pub(super) fn datum_type(number: i64) -> TractResult<DatumType> {
    let kind = i32::try_from(number).ok().and_then(|number| DataType::try_from(number).ok());
    Ok(match kind {
        Some(DataType::Float) => f32::datum_type(),
        Some(DataType::Double) => f64::datum_type(),
        Some(DataType::Uint8) => u8::datum_type(),
        Some(DataType::Int8) => i8::datum_type(),
        Some(DataType::Int32) => i32::datum_type(),
        Some(DataType::Int64) => i64::datum_type(),
        Some(DataType::Bool) => bool::datum_type(),
        Some(DataType::Undefined) | None => bail!("numbers of ONNX type {number}; only f32, f64, u8, i8, i32, i64 and bool are read"),
    })
}

pub(super) fn load(tensor: &TensorProto) -> TractResult<Tensor> {
    ensure!(tensor.data_location != ELSEWHERE, "tensor {:?} lies in another file; export the model as one file", tensor.name);
    let kind = datum_type(tensor.data_type.into())?;
    let shape = tensor.dims.iter().map(|&dim| Ok(usize::try_from(dim)?)).collect::<TractResult<Vec<usize>>>()?;
    let bytes = match kind {
        _ if !tensor.raw_data.is_empty() => tensor.raw_data.clone(),
        DatumType::F32 => tensor.float_data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        DatumType::I64 => tensor.int64_data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        DatumType::I32 => tensor.int32_data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        // Narrower numbers, one in each.
        DatumType::U8 | DatumType::I8 | DatumType::Bool => tensor.int32_data.iter().map(|&x| x as u8).collect(),
        other => bail!("tensor {:?} of {other:?} outside of raw_data", tensor.name),
    };
    let size = shape.iter().try_fold(kind.size_of(), |size, dim| size.checked_mul(*dim));
    ensure!(size == Some(bytes.len()), "tensor {:?} of {shape:?} holds {} bytes", tensor.name, bytes.len());
    ensure!(kind != bool::datum_type() || bytes.iter().all(|byte| *byte < 2), "tensor {:?} holds neither true nor false", tensor.name);
    let mut value = Tensor::zero_dt(kind, &shape)?;
    value.try_as_plain_ram_mut()?.as_bytes_mut().copy_from_slice(&bytes);
    Ok(value)
}
