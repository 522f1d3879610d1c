//! The JavaScript face: converts, forwards, decides nothing.

use crate::encoder::{Call, Encoder, adapter};
use crate::error::Error;
use js_sys::{Float32Array, Reflect};
use wasm_bindgen::prelude::*;

/// A panic is thrown with its place alone, as in the main module; nothing is printed.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        wasm_bindgen::throw_str(&format!("a panic at {place}"));
    }));
}

/// An encoder on the browser's GPU.
#[wasm_bindgen]
pub struct GpuEncoder(Encoder);

#[wasm_bindgen]
impl GpuEncoder {
    /// Puts a plan, as the main module's `encoderPlan` gives it, on the fastest adapter.
    pub async fn open(plan: Vec<u8>) -> Result<GpuEncoder, JsValue> {
        let adapter = adapter().await.map_err(thrown)?;
        Ok(Self(Encoder::new(&adapter, &plan).await.map_err(thrown)?))
    }

    /// Hands the work of more texts to the GPU, and gives the call back when more may follow.
    pub async fn add(&self, mut call: GpuCall, rows: Vec<f32>, lengths: Vec<u32>) -> Result<GpuCall, JsValue> {
        self.0.add(&mut call.0, &rows, &lengths).await.map_err(thrown)?;
        Ok(call)
    }

    /// Unit vectors of all texts of a call behind each other.
    pub async fn read(&self, call: GpuCall) -> Result<Float32Array, JsValue> {
        Ok(Float32Array::from(&*self.0.read(call.0).await.map_err(thrown)?))
    }

    /// Dispatches that a chunk of tokens takes.
    #[wasm_bindgen(getter)]
    pub fn dispatches(&self) -> usize {
        self.0.dispatches()
    }

    /// Ends the device; calls that are under way fail.
    pub fn destroy(&self) {
        self.0.destroy();
    }
}

/// Texts that are read back together.
#[wasm_bindgen]
#[derive(Default)]
pub struct GpuCall(Call);

#[wasm_bindgen]
impl GpuCall {
    /// Without texts so far.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }
}

/// A JavaScript `Error` with the stable `code`.
fn thrown(error: Error) -> JsValue {
    let thrown = js_sys::Error::new(&error.to_string());
    // Setting a property of a fresh, extensible object cannot fail.
    let _ = Reflect::set(&thrown, &"code".into(), &error.code().into());
    thrown.into()
}
