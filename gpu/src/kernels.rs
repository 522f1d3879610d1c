//! The kernels: WGSL to pipelines, compiled once a device.

use crate::plan::{Kind, Plan};
use std::collections::BTreeMap;
use std::f32::consts::LOG2_E;
use wgpu::{
    BindGroupLayout, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingType, BufferBindingType, ComputePipeline,
    ComputePipelineDescriptor, Device, PipelineLayout, PipelineLayoutDescriptor, ShaderModuleDescriptor, ShaderSource, ShaderStages,
};

const COMMON: &str = include_str!("wgsl/common.wgsl");
const LINEAR: &str = include_str!("wgsl/linear.wgsl");
const ATTENTION: &str = include_str!("wgsl/attention.wgsl");
const NORM: &str = include_str!("wgsl/norm.wgsl");
const POOL: &str = include_str!("wgsl/pool.wgsl");

/// What every kernel binds: the call, the layer, four things to read, one to write. Which of them it uses, its file tells.
pub(crate) const BINDINGS: u32 = 7;
/// The binding that is written.
pub(crate) const OUT: u32 = BINDINGS - 1;
const UNIFORMS: u32 = 2;

/// The kernels of one plan.
pub(crate) struct Kernels {
    pub(crate) layout: BindGroupLayout,
    linear: ComputePipeline,
    norm: ComputePipeline,
    pool: ComputePipeline,
    /// By width of a head.
    attention: BTreeMap<u32, ComputePipeline>,
}

impl Kernels {
    pub(crate) fn new(device: &Device, plan: &Plan) -> Self {
        let layout = layout(device);
        let pipelines = device.create_pipeline_layout(&PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let compiled = |name, source: &str| compile(device, &pipelines, name, source);
        let widths =
            plan.ops.iter().filter_map(|op| if let Kind::Attention { head_width, .. } = op.kind { Some(head_width) } else { None });
        let attention = |width: u32| compiled("attention", &ATTENTION.replace("HEAD_WIDTH", &format!("{width}u")));
        Self {
            linear: compiled("linear", LINEAR),
            norm: compiled("norm", NORM),
            pool: compiled("pool", POOL),
            attention: widths.collect::<std::collections::BTreeSet<_>>().into_iter().map(|width| (width, attention(width))).collect(),
            layout,
        }
    }

    pub(crate) fn of(&self, kind: &Kind) -> Option<&ComputePipeline> {
        match kind {
            Kind::Linear(_) => Some(&self.linear),
            Kind::Attention { head_width, .. } => self.attention.get(head_width),
            Kind::Norm { .. } => Some(&self.norm),
            Kind::Pool { .. } => Some(&self.pool),
        }
    }
}

/// Workgroups of an op over so many rows of `width` numbers that go in.
pub(crate) fn workgroups(kind: &Kind, rows: u32, texts: u32) -> [u32; 2] {
    match kind {
        Kind::Linear(linear) => [linear.outputs.div_ceil(64), rows.div_ceil(32)],
        Kind::Attention { heads, .. } => [rows.div_ceil(64), *heads],
        Kind::Norm { .. } => [rows.div_ceil(8), 1],
        Kind::Pool { .. } => [texts, 1],
    }
}

/// An op's parameters, as its kernel's struct has them.
pub(crate) fn parameters(kind: &Kind, inputs: usize, width: u32) -> Vec<u32> {
    match kind {
        Kind::Linear(linear) => {
            let (low, high) = if linear.bits == 7 { (0.0f32, 127.0f32) } else { (-8191.0, 8191.0) };
            vec![linear.inputs, linear.outputs, low.to_bits(), high.to_bits(), linear.gelu.into(), linear.smoothed.into()]
        }
        Kind::Attention { heads, head_width, scale } => {
            let all = heads * head_width;
            let (stride, keys, values) = if inputs == 1 { (3 * all, all, 2 * all) } else { (all, 0, 0) };
            // Made here, since a device's compiler may move a factor that stands in the code behind others.
            vec![stride, 0, keys, values, all, (scale * LOG2_E).to_bits(), *head_width]
        }
        Kind::Norm { epsilon, .. } => vec![width, u32::from(inputs == 2), epsilon.to_bits()],
        Kind::Pool { cls } => vec![width, (*cls).into()],
    }
}

fn layout(device: &Device) -> BindGroupLayout {
    let entry = |binding| BindGroupLayoutEntry {
        binding,
        visibility: ShaderStages::COMPUTE,
        ty: BindingType::Buffer {
            ty: if binding < UNIFORMS { BufferBindingType::Uniform } else { BufferBindingType::Storage { read_only: binding != OUT } },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    };
    let entries: Vec<BindGroupLayoutEntry> = (0..BINDINGS).map(entry).collect();
    device.create_bind_group_layout(&BindGroupLayoutDescriptor { label: None, entries: &entries })
}

fn compile(device: &Device, layout: &PipelineLayout, name: &str, source: &str) -> ComputePipeline {
    let source = ShaderSource::Wgsl(format!("{COMMON}\n{source}").into());
    let module = device.create_shader_module(ShaderModuleDescriptor { label: Some(name), source });
    device.create_compute_pipeline(&ComputePipelineDescriptor {
        label: Some(name),
        layout: Some(layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    })
}
