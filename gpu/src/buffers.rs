//! Memory of a device: weights, which stay, and rows, which calls share.

use crate::error::{Error, Result};
use crate::kernels::{BINDINGS, Kernels, OUT, parameters};
use crate::plan::{Kind, Op, Plan, Value};
use wgpu::{BindGroup, BindGroupDescriptor, BindGroupEntry, Buffer, BufferDescriptor, BufferUsages, Device, Queue};

/// The first binding that an op's values take.
const VALUES: usize = 2;

/// What an op reads beside its rows.
pub(crate) struct Weights {
    parameters: Buffer,
    /// int8, four to a word, where it has them.
    matrix: Option<Buffer>,
    /// Scales, biases and the like, where it has them.
    affine: Option<Buffer>,
}

impl Weights {
    pub(crate) fn upload(device: &Device, queue: &Queue, plan: &Plan) -> Vec<Self> {
        let widths = plan.widths();
        let upload = |op: &Op| {
            let (matrix, affine) = match &op.kind {
                Kind::Linear(linear) => (Some(&linear.weights), Some(&linear.affine)),
                Kind::Norm { affine, .. } => (None, Some(affine)),
                Kind::Attention { .. } | Kind::Pool { .. } => (None, None),
            };
            let storage = BufferUsages::STORAGE | BufferUsages::COPY_DST;
            let parameters = parameters(&op.kind, op.inputs.len(), widths[op.inputs[0]]);
            Self {
                parameters: filled(device, queue, BufferUsages::UNIFORM | BufferUsages::COPY_DST, &padded(parameters)),
                matrix: matrix.map(|words| filled(device, queue, storage, words)),
                affine: affine.map(|values| filled(device, queue, storage, values)),
            }
        };
        plan.ops.iter().map(upload).collect()
    }
}

/// What calls share, for so many rows and texts; larger calls get larger ones.
pub(crate) struct Room {
    pub(crate) rows: u32,
    pub(crate) texts: u32,
    pub(crate) call: Buffer,
    pub(crate) spans: Buffer,
    pub(crate) input: Buffer,
    pub(crate) vectors: Buffer,
    /// One for each op.
    pub(crate) groups: Vec<BindGroup>,
}

impl Room {
    /// `rows` a chunk, `texts` a call.
    pub(crate) fn new(device: &Device, kernels: &Kernels, plan: &Plan, weights: &[Weights], rows: u32, texts: u32) -> Self {
        let storage = BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC;
        let buffer = |words: u64, usage| create(device, words, usage);
        let widths = plan.widths();
        let (slots, of) = slots(plan, &widths);
        let slots: Vec<Buffer> = slots.iter().map(|width| buffer(u64::from(*width) * u64::from(rows), storage)).collect();
        let pooled = widths.last().copied().unwrap_or(0);
        let vectors = buffer(u64::from(pooled) * u64::from(texts), storage);
        let call = buffer(8, BufferUsages::UNIFORM | BufferUsages::COPY_DST);
        // A chunk has no more texts than rows.
        let spans = buffer(4 * u64::from(rows), storage);
        let nothing = buffer(4, storage);
        let group = |(n, (op, weights)): (usize, (&Op, &Weights))| {
            let mut bound = [&nothing; BINDINGS as usize];
            (bound[0], bound[1]) = (&call, &weights.parameters);
            for (place, value) in bound[VALUES..].iter_mut().zip(reads(op)) {
                *place = &slots[of[value]];
            }
            match op.kind {
                Kind::Linear(_) => bound[VALUES + 1] = weights.matrix.as_ref().unwrap_or(&nothing),
                Kind::Attention { .. } | Kind::Pool { .. } => bound[5] = &spans,
                Kind::Norm { .. } => {}
            }
            if let Some(affine) = &weights.affine {
                bound[4] = affine;
            }
            bound[OUT as usize] = if n + 1 == plan.ops.len() { &vectors } else { &slots[of[n + 1]] };
            bind(device, kernels, &bound)
        };
        let groups = plan.ops.iter().zip(weights).enumerate().map(group).collect();
        Self { rows, texts, call, spans, input: slots[of[0]].clone(), vectors, groups }
    }
}

/// The values that an op's bindings name: attention reads queries, keys and values, be they rows of one value or of three.
fn reads(op: &Op) -> Vec<Value> {
    match (&op.kind, &*op.inputs) {
        (Kind::Attention { .. }, [joined]) => vec![*joined; 3],
        (Kind::Norm { .. }, [x]) => vec![*x; 2],
        (_, inputs) => inputs.to_vec(),
    }
}

/// Numbers a row of each slot, and the slot of each value: a slot serves another value once nobody reads the last one.
fn slots(plan: &Plan, widths: &[u32]) -> (Vec<u32>, Vec<usize>) {
    let last_read = |value: Value| plan.ops.iter().rposition(|op| op.inputs.contains(&value)).map_or(0, |n| n + 1);
    let (mut slots, mut busy_until, mut of): (Vec<u32>, Vec<usize>, Vec<usize>) = (vec![], vec![], vec![]);
    for (value, width) in widths.iter().enumerate() {
        // What is read while this is written is another slot.
        let free = (0..slots.len()).find(|slot| busy_until[*slot] < value && slots[*slot] == *width);
        let slot = free.unwrap_or_else(|| {
            slots.push(*width);
            busy_until.push(0);
            slots.len() - 1
        });
        busy_until[slot] = last_read(value).max(value);
        of.push(slot);
    }
    (slots, of)
}

fn bind(device: &Device, kernels: &Kernels, bound: &[&Buffer]) -> BindGroup {
    let resources = bound.iter().map(|buffer| buffer.as_entire_binding());
    let entries: Vec<BindGroupEntry> = (0..).zip(resources).map(|(binding, resource)| BindGroupEntry { binding, resource }).collect();
    device.create_bind_group(&BindGroupDescriptor { label: None, layout: &kernels.layout, entries: &entries })
}

/// Uniforms come in vectors of four.
fn padded(mut words: Vec<u32>) -> Vec<u32> {
    words.resize(words.len().next_multiple_of(4), 0);
    words
}

fn filled<T: bytemuck::NoUninit>(device: &Device, queue: &Queue, usage: BufferUsages, words: &[T]) -> Buffer {
    let buffer = create(device, words.len() as u64, usage);
    queue.write_buffer(&buffer, 0, bytemuck::cast_slice(words));
    buffer
}

/// Of so many 32-bit words.
pub(crate) fn create(device: &Device, words: u64, usage: BufferUsages) -> Buffer {
    device.create_buffer(&BufferDescriptor { label: None, size: 4 * words.max(4), usage, mapped_at_creation: false })
}

/// The most rows of a chunk that all slots have room for.
pub(crate) fn most_rows(device: &Device, plan: &Plan, wanted: u32) -> Result<u32> {
    let limits = device.limits();
    let binding = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    let weights = plan.ops.iter().map(|op| if let Kind::Linear(linear) = &op.kind { linear.weights.len() } else { 0 });
    let heaviest = weights.max().unwrap_or(0) as u64 * 4;
    let widest = u64::from(plan.widths().into_iter().max().unwrap_or(1)) * 4;
    // Kernels of eight rows a workgroup make the most workgroups.
    let rows = (binding / widest).min(u64::from(limits.max_compute_workgroups_per_dimension)).min(u64::from(wanted));
    if heaviest > binding || rows == 0 {
        return Err(Error::TooLarge(format!("{heaviest} bytes of weights and rows of {widest}, where {binding} can be bound")));
    }
    Ok(rows as u32)
}
