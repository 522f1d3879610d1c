//! How far a caller may be ahead of the device: a browser keeps what it was sent until the device has read it, so whoever
//! hands over faster than the device computes would fill the memory.

use crate::buffers::create;
use crate::error::Result;
use crate::readback::mapped;
use std::collections::VecDeque;
use wgpu::{Buffer, BufferUsages, Device, MapMode, Queue};

/// Rows that may be under way. Chromium keeps 2.8 kB for each at MiniLM's width.
const MOST: u32 = 65_536;
/// Rows from one mark to the next: the device has the rest to do while the caller is told.
const STEP: u32 = MOST / 8;

/// What of a call is under way.
#[derive(Default)]
pub(crate) struct Pace {
    marks: VecDeque<Mark>,
    /// Rows since the last mark.
    since: u32,
}

/// Rows, and a buffer that the device reads after them: it can be written again once they are done.
struct Mark {
    rows: u32,
    buffer: Buffer,
}

impl Pace {
    /// Notes rows that were just handed over.
    pub(crate) fn sent(&mut self, device: &Device, queue: &Queue, rows: u32) {
        self.since += rows;
        if self.since < STEP {
            return;
        }
        let buffer = create(device, 1, BufferUsages::MAP_WRITE | BufferUsages::COPY_SRC);
        let nowhere = create(device, 1, BufferUsages::COPY_DST);
        let mut commands = device.create_command_encoder(&Default::default());
        commands.copy_buffer_to_buffer(&buffer, 0, &nowhere, 0, 4);
        queue.submit([commands.finish()]);
        self.marks.push_back(Mark { rows: std::mem::take(&mut self.since), buffer });
    }

    /// Ends when so many more rows may follow.
    pub(crate) async fn may_follow(&mut self, device: &Device, rows: u32) -> Result<()> {
        while self.under_way() + rows > MOST {
            let Some(mark) = self.marks.pop_front() else { return Ok(()) };
            mapped(device, &mark.buffer, MapMode::Write).await?;
        }
        Ok(())
    }

    fn under_way(&self) -> u32 {
        self.marks.iter().map(|mark| mark.rows).sum::<u32>() + self.since
    }
}
