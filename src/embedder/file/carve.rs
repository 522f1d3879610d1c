//! Parting a model from its big tensors without copying them: the graph's description becomes a message of its own,
//! and the tensors stay where they lie in the file.

use crate::embedder::protobuf::{
    DataType, Dimension, DimensionValue, ModelProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::error::{Error, Result};
use prost::Message;
use std::collections::HashMap;
use std::ops::{Deref, Range};
use std::sync::Arc;
use tract_core::internal::DatumTypeExt;
use tract_core::prelude::{DatumType, Tensor, TractResult, TypedFact};

/// Tables of floats from this size on stay outside; tables of bytes always do.
const BIG: usize = 1 << 14;

// Field numbers of onnx.proto, and protobuf's wire type of messages and bytes.
const MODEL_GRAPH: u64 = 7;
const GRAPH_INITIALIZER: u64 = 5;
const TENSOR_RAW_DATA: u64 = 9;
const LENGTH_DELIMITED: u64 = 2;

/// A part of a file that is shared by all who read from it.
#[derive(Clone)]
pub(in crate::embedder) struct Bytes {
    file: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self { range: 0..bytes.len(), file: Arc::new(bytes) }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.file[self.range.clone()]
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// A tensor that waits beside its graph.
pub(in crate::embedder) struct Waiting {
    shape: Vec<usize>,
    kind: DatumType,
    /// Its values, little-endian.
    pub(in crate::embedder) data: Bytes,
}

impl Waiting {
    pub(in crate::embedder) fn fact(&self) -> TypedFact {
        self.kind.fact(&self.shape)
    }

    pub(in crate::embedder) fn is(&self, kind: DatumType, shape: &[usize]) -> bool {
        self.kind == kind && self.shape == shape
    }

    /// The first axis.
    pub(in crate::embedder) fn len(&self) -> Option<usize> {
        self.shape.first().copied()
    }

    /// A copy of the values as tract takes them.
    pub(in crate::embedder) fn tensor(&self) -> TractResult<Tensor> {
        let mut tensor = Tensor::zero_dt(self.kind, &self.shape)?;
        tensor.try_as_plain_ram_mut()?.as_bytes_mut().copy_from_slice(&self.data);
        Ok(tensor)
    }
}

/// The numbers that bytes are, little-endian.
pub(in crate::embedder) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

/// Waiting tensors by name.
pub(in crate::embedder) type Tensors = HashMap<String, Waiting>;

/// The model with its big tensors turned into inputs, and those tensors.
pub(super) fn carve(file: &Arc<Vec<u8>>) -> Result<(ModelProto, Tensors)> {
    let (mut description, mut tensors) = (vec![], Tensors::new());
    let mut inputs = vec![];
    for field in fields(file, 0..file.len()) {
        let field = field?;
        if field.number != MODEL_GRAPH {
            description.extend_from_slice(&file[field.whole]);
            continue;
        }
        let mut graph = vec![];
        for field in fields(file, field.content) {
            let field = field?;
            match waiting(file, &field)? {
                Some((head, range)) => {
                    let (input, tensor) = part(&head, Bytes { file: file.clone(), range })?;
                    inputs.push(input);
                    tensors.insert(head.name, tensor);
                }
                None => graph.extend_from_slice(&file[field.whole]),
            }
        }
        write_field(&mut description, MODEL_GRAPH, &graph);
    }
    let mut model = ModelProto::decode(&*description).map_err(bad)?;
    model.graph.get_or_insert_default().input.extend(inputs);
    Ok((model, tensors))
}

/// A tensor without its values, and where they lie, if they are to stay there.
fn waiting(file: &[u8], field: &Field) -> Result<Option<(TensorProto, Range<usize>)>> {
    if field.number != GRAPH_INITIALIZER {
        return Ok(None);
    }
    let (mut head, mut data) = (vec![], 0..0);
    for field in fields(file, field.content.clone()) {
        let field = field?;
        match field.number {
            TENSOR_RAW_DATA => data = field.content,
            _ if field.whole.len() > BIG => return Ok(None),
            _ => head.extend_from_slice(&file[field.whole]),
        }
    }
    let head = TensorProto::decode(&*head).map_err(bad)?;
    let kind = DataType::try_from(head.data_type).unwrap_or_default();
    let wanted = match kind {
        DataType::Int8 | DataType::Uint8 => !data.is_empty(),
        DataType::Float => data.len() >= BIG,
        _ => false,
    };
    Ok((wanted && head.dims.len() == 2).then_some((head, data)))
}

fn part(head: &TensorProto, data: Bytes) -> Result<(ValueInfoProto, Waiting)> {
    let kind = match DataType::try_from(head.data_type) {
        Ok(DataType::Float) => DatumType::F32,
        Ok(DataType::Int8) => DatumType::I8,
        _ => DatumType::U8,
    };
    let shape: Vec<usize> = head.dims.iter().map(|&dim| usize::try_from(dim)).collect::<std::result::Result<_, _>>().map_err(bad)?;
    let size = shape.iter().try_fold(kind.size_of(), |size, dim| size.checked_mul(*dim));
    if size != Some(data.len()) {
        return Err(Error::artifact("graph", format!("tensor {} of {shape:?} holds {} bytes", head.name, data.len())));
    }
    let dim = head.dims.iter().map(|&dim| Dimension { value: Some(DimensionValue::DimValue(dim)) }).collect();
    let tensor = TensorTypeProto { elem_type: head.data_type, shape: Some(TensorShapeProto { dim }) };
    let input = ValueInfoProto { name: head.name.clone(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) };
    Ok((input, Waiting { shape, kind, data }))
}

fn bad(problem: impl std::fmt::Display) -> Error {
    Error::artifact("protobuf", problem)
}

struct Field {
    number: u64,
    whole: Range<usize>,
    /// Without key and length; of a number, the same as the whole.
    content: Range<usize>,
}

/// The fields of the message that lies in `range`.
fn fields(file: &[u8], range: Range<usize>) -> impl Iterator<Item = Result<Field>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        (at < range.end).then(|| {
            let field = read_field(&file[..range.end], at).ok_or_else(|| Error::artifact("protobuf", format!("broken off at byte {at}")));
            at = field.as_ref().map_or(range.end, |field| field.whole.end);
            field
        })
    })
}

fn read_field(message: &[u8], start: usize) -> Option<Field> {
    let (key, content) = read_number(message, start)?;
    let (content, end) = match key & 7 {
        0 => (start, read_number(message, content)?.1),
        1 => (start, content + 8),
        LENGTH_DELIMITED => {
            let (len, content) = read_number(message, content)?;
            (content, content.checked_add(usize::try_from(len).ok()?)?)
        }
        5 => (start, content + 4),
        _ => return None,
    };
    (end <= message.len()).then_some(Field { number: key >> 3, whole: start..end, content: content..end })
}

/// A varint and where it ends.
fn read_number(message: &[u8], start: usize) -> Option<(u64, usize)> {
    let bytes = message.get(start..)?.iter().take(10);
    let mut number = 0;
    for (i, byte) in bytes.enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * i as u32).min(63);
        if byte & 0x80 == 0 {
            return Some((number, start + i + 1));
        }
    }
    None
}

fn write_field(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    for mut number in [number << 3 | LENGTH_DELIMITED, content.len() as u64] {
        while number >= 0x80 {
            out.push(number as u8 | 0x80);
            number >>= 7;
        }
        out.push(number as u8);
    }
    out.extend_from_slice(content);
}
