//! An encoder on a device: rows of texts in, unit vectors out.

use crate::buffers::{Room, Weights, create, most_rows};
use crate::error::{Error, Result};
use crate::kernels::{Kernels, workgroups};
use crate::pace::Pace;
use crate::plan::Plan;
use crate::readback::{floats, locked};
use std::sync::{Arc, Mutex};
use wgpu::{
    Adapter, Backends, Buffer, BufferUsages, CommandEncoder, ComputePassDescriptor, Device, DeviceDescriptor, Instance, InstanceDescriptor,
    Limits, PowerPreference, Queue, RequestAdapterOptions,
};

/// Rows of one chunk: what keeps a card busy, and fits into 128 MiB at four times MiniLM's width.
const CHUNK: u32 = 16384;
/// Fewest rows to make room for.
const LEAST_ROWS: u32 = 256;
/// Fewest texts to make room for.
const LEAST_TEXTS: u32 = 16;

/// The adapter to use: of several, the fastest.
///
/// # Errors
/// [`Error::NoGpu`] where there is none.
pub async fn adapter() -> Result<Adapter> {
    let backends = if cfg!(target_arch = "wasm32") { Backends::BROWSER_WEBGPU } else { Backends::VULKAN };
    let instance = Instance::new(InstanceDescriptor { backends, ..InstanceDescriptor::new_without_display_handle() });
    let options = RequestAdapterOptions { power_preference: PowerPreference::HighPerformance, ..Default::default() };
    instance.request_adapter(&options).await.map_err(|e| Error::NoGpu(e.to_string()))
}

/// A plan on a device, with its weights there and its kernels compiled.
pub struct Encoder {
    device: Device,
    queue: Queue,
    plan: Plan,
    kernels: Kernels,
    weights: Vec<Weights>,
    most_rows: u32,
    room: Mutex<Option<Room>>,
    fault: Fault,
}

/// Texts that are read back together.
#[derive(Default)]
pub struct Call {
    parts: Vec<Part>,
    pace: Pace,
}

/// The vectors of some texts, on the device.
struct Part {
    vectors: Buffer,
    words: u64,
}

/// What went wrong first, if anything has.
type Fault = Arc<Mutex<Option<String>>>;

/// One text's rows in a chunk.
struct Span {
    start: u32,
    end: u32,
}

impl Encoder {
    /// Uploads a plan's weights and has its kernels compiled. Neither is waited for.
    ///
    /// # Errors
    /// As [`Plan::parse`]; [`Error::NoGpu`] where the adapter gives no device.
    pub async fn new(adapter: &Adapter, plan: &[u8]) -> Result<Self> {
        Self::with_limits(adapter, plan, Limits::default()).await
    }

    /// As [`Encoder::new`], on a device that can do no more than this.
    ///
    /// # Errors
    /// As [`Encoder::new`]; [`Error::TooLarge`] where that is not enough for the plan.
    pub async fn with_limits(adapter: &Adapter, plan: &[u8], required_limits: Limits) -> Result<Self> {
        let mut plan = Plan::parse(plan)?;
        let wanted = DeviceDescriptor { required_limits, ..Default::default() };
        let (device, queue) = adapter.request_device(&wanted).await.map_err(|e| Error::NoGpu(e.to_string()))?;
        let fault = watch(&device);
        let most_rows = most_rows(&device, &plan, CHUNK)?;
        let kernels = Kernels::new(&device, &plan);
        let weights = Weights::upload(&device, &queue, &plan);
        plan.forget_weights();
        Ok(Self { device, queue, plan, kernels, weights, most_rows, room: Mutex::new(None), fault })
    }

    /// The most rows that one text may have.
    pub fn most_rows(&self) -> u32 {
        self.most_rows
    }

    /// Dispatches that a chunk takes.
    pub fn dispatches(&self) -> usize {
        self.plan.ops.len()
    }

    /// Unit vectors of all texts behind each other. `rows` are those of all texts behind each other, `lengths` how many
    /// each text has, 1 at least.
    ///
    /// # Errors
    /// As [`Encoder::add`] and [`Encoder::read`].
    pub async fn run(&self, rows: &[f32], lengths: &[u32]) -> Result<Vec<f32>> {
        let mut call = Call::default();
        self.add(&mut call, rows, lengths).await?;
        self.read(call).await
    }

    /// Hands the work of more texts to the device, which computes meanwhile; waits only where it is some ten thousands of
    /// rows behind. `rows` and `lengths` as for [`Encoder::run`].
    ///
    /// # Errors
    /// [`Error::BadInput`] where they do not belong together, [`Error::TooLarge`] for a text that is too long for this
    /// device, [`Error::Device`] where it has failed or was lost.
    pub async fn add(&self, call: &mut Call, rows: &[f32], lengths: &[u32]) -> Result<()> {
        self.check(rows, lengths)?;
        let count = lengths.iter().sum();
        let passed = call.pace.may_follow(&self.device, count).await;
        // What failed on the way there is the better reason.
        self.check_fault().and(passed)?;
        if !lengths.is_empty() {
            call.parts.push(self.enqueue(rows, lengths));
            call.pace.sent(&self.device, &self.queue, count);
        }
        Ok(())
    }

    /// Unit vectors of all texts of a call, in one readback however many they are.
    ///
    /// # Errors
    /// [`Error::Device`] where the device fails or is lost.
    pub async fn read(&self, call: Call) -> Result<Vec<f32>> {
        if call.parts.is_empty() {
            return Ok(vec![]);
        }
        let vectors = floats(&self.device, &self.gather(&call)).await;
        self.check_fault().and(vectors)
    }

    /// Ends the device; calls that are under way fail.
    pub fn destroy(&self) {
        self.device.destroy();
    }

    fn check(&self, rows: &[f32], lengths: &[u32]) -> Result<()> {
        let total: u64 = lengths.iter().copied().map(u64::from).sum();
        if lengths.contains(&0) || total * u64::from(self.plan.width) != rows.len() as u64 {
            return Err(Error::BadInput(format!("{} numbers for {total} rows of {}", rows.len(), self.plan.width)));
        }
        let most = self.most_rows;
        if let Some(longest) = lengths.iter().max().filter(|longest| **longest > most) {
            return Err(Error::TooLarge(format!("a text of {longest} rows; the most is {most}")));
        }
        let widest = self.device.limits().max_storage_buffer_binding_size / (4 * u64::from(self.width()));
        if lengths.len() as u64 > widest {
            return Err(Error::TooLarge(format!("{} texts; the most is {widest}", lengths.len())));
        }
        Ok(())
    }

    /// Numbers in a vector.
    pub fn width(&self) -> u32 {
        self.plan.widths().last().copied().unwrap_or(0)
    }

    fn check_fault(&self) -> Result<()> {
        locked(&self.fault).clone().map_or(Ok(()), |fault| Err(Error::Device(fault)))
    }

    /// Hands all work to the device. Returns where the vectors will be.
    fn enqueue(&self, rows: &[f32], lengths: &[u32]) -> Part {
        let chunks = chunks(lengths, self.most_rows);
        let most = chunks.iter().map(|chunk| chunk.iter().sum::<u32>()).max().unwrap_or(1);
        let mut room = locked(&self.room);
        let room = self.room_for(&mut room, most, lengths.len() as u32);
        let (mut rest, mut before) = (rows, 0);
        for chunk in chunks {
            let (now, later) = rest.split_at(chunk.iter().sum::<u32>() as usize * self.plan.width as usize);
            self.enqueue_chunk(room, now, chunk, before);
            (rest, before) = (later, before + chunk.len() as u32);
        }
        // The room is the next one's at once.
        let words = u64::from(self.width()) * lengths.len() as u64;
        let vectors = create(&self.device, words, BufferUsages::COPY_SRC | BufferUsages::COPY_DST);
        self.submit(|commands| commands.copy_buffer_to_buffer(&room.vectors, 0, &vectors, 0, 4 * words));
        Part { vectors, words }
    }

    /// The vectors of all parts behind each other, where they can be read back.
    fn gather(&self, call: &Call) -> Buffer {
        let words = call.parts.iter().map(|part| part.words).sum();
        let answer = create(&self.device, words, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        let mut end = 0;
        self.submit(|commands| {
            for Part { vectors, words } in &call.parts {
                commands.copy_buffer_to_buffer(vectors, 0, &answer, end, 4 * words);
                end += 4 * words;
            }
        });
        answer
    }

    fn submit(&self, record: impl FnOnce(&mut CommandEncoder)) {
        let mut commands = self.device.create_command_encoder(&Default::default());
        record(&mut commands);
        self.queue.submit([commands.finish()]);
    }

    fn room_for<'a>(&self, room: &'a mut Option<Room>, rows: u32, texts: u32) -> &'a Room {
        let kept = room.take().filter(|room| room.rows >= rows && room.texts >= texts);
        let make = || {
            let rows = rows.next_power_of_two().clamp(LEAST_ROWS, self.most_rows.max(LEAST_ROWS)).min(self.most_rows);
            Room::new(&self.device, &self.kernels, &self.plan, &self.weights, rows, texts.next_power_of_two().max(LEAST_TEXTS))
        };
        room.insert(kept.unwrap_or_else(make))
    }

    fn enqueue_chunk(&self, room: &Room, rows: &[f32], lengths: &[u32], before: u32) {
        let count = lengths.iter().sum();
        let texts = lengths.len() as u32;
        self.queue.write_buffer(&room.input, 0, bytemuck::cast_slice(rows));
        self.queue.write_buffer(&room.spans, 0, bytemuck::cast_slice(&spans(lengths)));
        self.queue.write_buffer(&room.call, 0, bytemuck::cast_slice(&[count, texts, before, 0]));
        self.submit(|commands| {
            let mut pass = commands.begin_compute_pass(&ComputePassDescriptor::default());
            for (op, group) in self.plan.ops.iter().zip(&room.groups) {
                let Some(kernel) = self.kernels.of(&op.kind) else { continue };
                let [x, y] = workgroups(&op.kind, count, texts);
                pass.set_pipeline(kernel);
                pass.set_bind_group(0, group, &[]);
                pass.dispatch_workgroups(x, y, 1);
            }
        });
    }
}

/// Notes whatever the device complains of, so that the next call can tell.
fn watch(device: &Device) -> Fault {
    let fault = Fault::default();
    let note = |fault: &Fault, what: String| {
        locked(fault).get_or_insert(what);
    };
    let (invalid, lost) = (fault.clone(), fault.clone());
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| note(&invalid, error.to_string())));
    device.set_device_lost_callback(move |reason, message| note(&lost, format!("it was lost ({reason:?}): {message}")));
    fault
}

/// Texts that run together: as many as there is room for, in their order.
fn chunks(lengths: &[u32], most_rows: u32) -> Vec<&[u32]> {
    let (mut chunks, mut rest) = (vec![], lengths);
    while !rest.is_empty() {
        let ends = rest.iter().scan(0, |sum, length| {
            *sum += length;
            Some(*sum)
        });
        let (now, later) = rest.split_at(ends.take_while(|end| *end <= most_rows).count().max(1));
        chunks.push(now);
        rest = later;
    }
    chunks
}

/// For every row, then for every text, where its text begins and ends.
fn spans(lengths: &[u32]) -> Vec<u32> {
    let texts = lengths.iter().scan(0, |end, length| {
        let start = *end;
        *end += length;
        Some(Span { start, end: *end })
    });
    let texts: Vec<Span> = texts.collect();
    let rows = texts.iter().flat_map(|text| (text.start..text.end).map(move |_| text));
    rows.chain(&texts).flat_map(|span| [span.start, span.end]).collect()
}
