//! Promise: each kernel computes what its op says, over random shapes; where the adapter is software, which neither contracts
//! nor approximates, to the last bit.

mod support;

use pointsman_gpu::Encoder;
use std::ops::Range;
use support::reference::{self, Linear};
use support::{Rng, bits, compared, found, plan};
use wgpu::{Adapter, DeviceType};

async fn run(adapter: &Adapter, plan: &[u8], rows: &[f32], lengths: &[u32]) -> Vec<f32> {
    Encoder::new(adapter, plan).await.unwrap().run(rows, lengths).await.unwrap()
}

fn check(adapter: &Adapter, what: &str, gpu: &[f32], cpu: &[f32], width: usize) {
    let (_, worst, differing) = compared(gpu, cpu, width);
    println!("{what}: {differing} of {} differ, worst cosine {worst:.7}", cpu.len());
    assert!(worst > 0.99999, "{what}: {worst}");
    if adapter.get_info().device_type == DeviceType::Cpu {
        assert_eq!(differing, 0, "{what}");
    }
}

fn lengths(rng: &mut Rng, texts: usize, longest: usize) -> (Vec<u32>, Vec<Range<usize>>) {
    let lengths: Vec<u32> = (0..texts).map(|_| 1 + rng.below(longest) as u32).collect();
    let spans = lengths.iter().scan(0, |end, length| {
        let start = *end;
        *end += *length as usize;
        Some(start..*end)
    });
    (lengths.clone(), spans.collect())
}

#[test]
fn linear() {
    let Some(adapter) = found() else { return };
    let mut rng = Rng(1);
    let shapes = [(7, 4, 4), (7, 384, 64), (14, 64, 132), (7, 68, 8), (14, 384, 36), (7, 1536, 72)];
    for (n, (bits_of, inputs, outputs)) in shapes.into_iter().enumerate() {
        let layer = Linear {
            inputs,
            outputs,
            bits: bits_of,
            gelu: n % 2 == 1,
            smooth: (n % 3 > 0).then(|| rng.units(inputs).iter().map(|x| 0.01 + x.abs()).collect()),
            scale: rng.units(outputs).iter().map(|x| 0.01 + x.abs()).collect(),
            sum: rng.units(outputs),
            bias: rng.units(outputs),
            weights: (0..inputs * outputs).map(|_| rng.next() as i8).collect(),
        };
        let (lengths, texts) = lengths(&mut rng, 1 + 17 * n, 3);
        let count = texts.last().unwrap().end;
        // One row without a range.
        let rows: Vec<f32> = rng.units(inputs * count).iter().enumerate().map(|(i, x)| if i < inputs { 0.5 } else { *x }).collect();
        let cpu: Vec<f32> = rows.chunks(inputs).flat_map(|row| layer.row(row)).collect();
        let gpu = pollster::block_on(run(&adapter, &plan(inputs, &words(&layer), outputs, false), &rows, &lengths));
        let cpu = reference::pool(&cpu, outputs, &texts, false);
        check(&adapter, &format!("linear of {bits_of} bits, {count} x {inputs} x {outputs}"), &gpu, &cpu, outputs);
    }
}

fn words(layer: &Linear) -> Vec<u32> {
    let Linear { inputs, outputs, .. } = *layer;
    let head = [1, 1, 0, inputs as u32, outputs as u32, layer.bits, layer.gelu.into(), layer.smooth.is_some().into()];
    let word = |group: usize, o: usize| {
        let bytes: [i8; 4] = std::array::from_fn(|k| layer.weights[(group + k) * outputs + o]);
        u32::from_le_bytes(bytes.map(|b| b as u8))
    };
    let weights = (0..inputs).step_by(4).flat_map(|group| (0..outputs).map(move |o| (group, o))).map(|(group, o)| word(group, o));
    let smooth = layer.smooth.as_deref().unwrap_or_default();
    head.into_iter().chain([smooth, &layer.scale, &layer.sum, &layer.bias].into_iter().flat_map(bits)).chain(weights).collect()
}

#[test]
fn attention() {
    let Some(adapter) = found() else { return };
    let mut rng = Rng(2);
    for (heads, head_width, texts, longest) in [(1, 4, 1, 1), (2, 8, 5, 9), (4, 8, 20, 40), (3, 32, 7, 70), (1, 64, 3, 33)] {
        let width = heads * head_width;
        let (lengths, spans) = lengths(&mut rng, texts, longest);
        let rows: Vec<f32> = rng.units(3 * width * spans.last().unwrap().end).iter().map(|x| 3.0 * x).collect();
        let scale = 1.0 / (head_width as f32).sqrt();
        let op = [2, 1, 0, heads as u32, head_width as u32, scale.to_bits()];
        let gpu = pollster::block_on(run(&adapter, &plan(3 * width, &op, width, false), &rows, &lengths));
        let text =
            |span: &Range<usize>| reference::attention(&rows[span.start * 3 * width..span.end * 3 * width], heads, head_width, scale);
        let cpu = reference::pool(&spans.iter().flat_map(text).collect::<Vec<_>>(), width, &spans, false);
        check(&adapter, &format!("attention of {heads} x {head_width} over {texts} texts"), &gpu, &cpu, width);
    }
}

#[test]
fn norm_and_pool() {
    let Some(adapter) = found() else { return };
    let mut rng = Rng(3);
    for (width, texts, two, cls) in [(4, 1, false, false), (12, 9, true, true), (384, 30, true, false), (100, 5, false, true)] {
        let (lengths, spans) = lengths(&mut rng, texts, 5);
        let rows = rng.units(width * spans.last().unwrap().end);
        let (gain, bias, epsilon) = (rng.units(width), rng.units(width), 1e-12f32);
        let inputs: &[u32] = if two { &[3, 2, 0, 0] } else { &[3, 1, 0] };
        let op: Vec<u32> = inputs.iter().copied().chain([width as u32, epsilon.to_bits()]).chain(bits(&gain)).chain(bits(&bias)).collect();
        let row = |row: &[f32]| {
            let row: Vec<f32> = row.iter().map(|x| if two { x + x } else { *x }).collect();
            reference::norm(&row, &gain, &bias, epsilon)
        };
        let normal: Vec<f32> = rows.chunks(width).flat_map(row).collect();
        let gpu = pollster::block_on(run(&adapter, &plan(width, &op, width, cls), &rows, &lengths));
        check(&adapter, &format!("norm of {width}"), &gpu, &reference::pool(&normal, width, &spans, cls), width);
        let gpu = pollster::block_on(run(&adapter, &plan(width, &[], width, cls), &rows, &lengths));
        check(&adapter, &format!("pool of {width}"), &gpu, &reference::pool(&rows, width, &spans, cls), width);
    }
}
