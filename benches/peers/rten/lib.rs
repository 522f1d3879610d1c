//! rten's wasm build as a peer: an ONNX file goes in, then token ids, and hidden states come out.

use rten::{Model, NodeId, RunOptions, ValueOrView};
use rten_tensor::{NdTensor, prelude::*};

struct Peer {
    model: Model,
    inputs: [NodeId; 3],
    output: NodeId,
    hidden: Vec<f32>,
}

static mut PEER: Option<Peer> = None;

/// Room for `bytes` bytes, which stays taken.
#[unsafe(no_mangle)]
pub extern "C" fn alloc(bytes: usize) -> *mut u8 {
    Vec::leak(vec![0; bytes]).as_mut_ptr()
}

/// # Safety
/// `file` comes from `alloc(bytes)` and is not used afterwards. Returns whether the model was loaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn load(file: *mut u8, bytes: usize) -> bool {
    let Ok(model) = Model::load(unsafe { Vec::from_raw_parts(file, bytes, bytes) }) else { return false };
    let id = |name| model.node_id(name).ok();
    let (Some(ids), Some(mask), Some(kinds), Some(output)) =
        (id("input_ids"), id("attention_mask"), id("token_type_ids"), id("last_hidden_state"))
    else {
        return false;
    };
    unsafe { PEER = Some(Peer { model, inputs: [ids, mask, kinds], output, hidden: Vec::new() }) };
    true
}

/// # Safety
/// `ids` holds `texts` rows of `tokens` ids. Returns the hidden states, valid until the next call, or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn run(ids: *const i32, texts: usize, tokens: usize) -> *const f32 {
    let Some(peer) = (unsafe { &mut *core::ptr::addr_of_mut!(PEER) }) else { return core::ptr::null() };
    let ids = unsafe { core::slice::from_raw_parts(ids, texts * tokens) };
    let ids: NdTensor<i32, 2> = NdTensor::from_data([texts, tokens], ids.to_vec());
    let mask = NdTensor::<i32, 2>::full([texts, tokens], 1);
    let kinds = NdTensor::<i32, 2>::zeros([texts, tokens]);
    let [ids_input, mask_input, kinds_input] = peer.inputs;
    let inputs: Vec<(NodeId, ValueOrView)> = vec![(ids_input, ids.into()), (mask_input, mask.into()), (kinds_input, kinds.into())];
    let Ok([hidden]) = peer.model.run_n(inputs, [peer.output], None::<RunOptions>) else { return core::ptr::null() };
    let Ok(hidden) = NdTensor::<f32, 3>::try_from(hidden) else { return core::ptr::null() };
    peer.hidden = hidden.to_vec();
    peer.hidden.as_ptr()
}

/// How many numbers the last `run` gave.
#[unsafe(no_mangle)]
pub extern "C" fn hidden_length() -> usize {
    let peer = unsafe { &*core::ptr::addr_of!(PEER) };
    peer.as_ref().map_or(0, |peer| peer.hidden.len())
}
