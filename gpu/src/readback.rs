//! A buffer's bytes, once the device has them: a future that nothing waits for but whoever awaits it.

use crate::error::{Error, Result};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wgpu::{Buffer, BufferAsyncError, Device, MapMode};

#[derive(Default)]
struct Shared {
    mapped: Option<std::result::Result<(), BufferAsyncError>>,
    waker: Option<Waker>,
}

/// Ends when the buffer is mapped.
struct Mapped(Arc<Mutex<Shared>>);

impl Future for Mapped {
    type Output = std::result::Result<(), BufferAsyncError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut shared = locked(&self.0);
        match shared.mapped.take() {
            Some(mapped) => Poll::Ready(mapped),
            None => {
                shared.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The floats of a buffer.
pub(crate) async fn floats(device: &Device, buffer: &Buffer) -> Result<Vec<f32>> {
    mapped(device, buffer, MapMode::Read).await?;
    let view = buffer.get_mapped_range(..).map_err(|e| Error::Device(e.to_string()))?;
    let numbers = bytemuck::pod_collect_to_vec(&view);
    drop(view);
    buffer.unmap();
    Ok(numbers)
}

/// Ends when a buffer is mapped, which is when the device has done all that uses it.
pub(crate) async fn mapped(device: &Device, buffer: &Buffer, mode: MapMode) -> Result<()> {
    let shared = Arc::new(Mutex::new(Shared::default()));
    let told = shared.clone();
    buffer.map_async(mode, .., move |mapped| {
        let mut shared = locked(&told);
        shared.mapped = Some(mapped);
        shared.waker.take().into_iter().for_each(Waker::wake);
    });
    // A browser maps by itself; natively, somebody must ask. There, the caller's thread may wait.
    if !cfg!(target_arch = "wasm32") {
        device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| Error::Device(e.to_string()))?;
    }
    Mapped(shared).await.map_err(|_| Error::Device("its memory cannot be mapped".into()))
}

/// What no panic can leave half-written may be read after one.
pub(crate) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
