//! The JavaScript face: converts, forwards, decides nothing.

use crate::artifact::{Entry, RouterFile};
use crate::bandit::add_states;
use crate::embedder::{Embedder, EmbedderFile, Embedding};
use crate::error::{Error, Result};
use crate::policy::Policy;
use crate::prompt::Prompt;
use crate::router::{Feedback, Router, load_embedder};
use crate::tokenizer::Tokenizer;
use js_sys::{Array, Float32Array, JsString, Object, Reflect, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use std::cell::RefCell;
use std::sync::{Arc, Weak};
use wasm_bindgen::prelude::*;

/// A panic is thrown with its place alone: its message may quote a prompt, and nothing is printed.
#[wasm_bindgen(start)]
fn start() {
    crate::embedder::run_constructors();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        wasm_bindgen::throw_str(&format!("a panic at {place}"));
    }));
}

/// A router over one embedder file and one router file.
#[wasm_bindgen]
pub struct WasmRouter(Router);

#[wasm_bindgen]
impl WasmRouter {
    /// Checks and loads both files. `seed` makes decision ids reproducible; `digests` are the SHA-256 of what the router
    /// file's seal covers and of what the embedder's does, one behind the other, where the host has computed them; `lineup`
    /// replaces the file's candidates, where it is given.
    #[wasm_bindgen(constructor)]
    pub fn new(router: &[u8], embedder: FileBytes, seed: u64, digests: Option<Vec<u8>>, lineup: JsValue) -> Result<WasmRouter, JsValue> {
        load(router, embedder, digests, lineup, seed).map(Self)
    }

    /// Decides where a prompt goes.
    pub fn route(&self, input: JsValue, options: JsValue) -> Result<JsValue, JsValue> {
        let start = now();
        let decision = self.0.route(&prompt(input)?, &policy(options)?).map_err(thrown)?;
        let decision = plain(&decision)?;
        Reflect::set(&decision, &"ms".into(), &(now() - start).into())?;
        Ok(decision)
    }

    /// All candidates by falling utility. Changes nothing.
    pub fn rank(&self, input: JsValue, options: JsValue) -> Result<JsValue, JsValue> {
        plain(&self.0.rank(&prompt(input)?, &policy(options)?).map_err(thrown)?)
    }

    /// Decides where every prompt of a batch goes. `goal` is an object with one of `budgetUsd`, `minQuality`, `costWeight`.
    pub fn assign(&self, inputs: Array, goal: JsValue, options: JsValue) -> Result<JsValue, JsValue> {
        let start = now();
        let goal = read("goal", "expected a number for one of budgetUsd, minQuality and costWeight", goal)?;
        let plan = self.0.assign(&prompts(&inputs)?, goal, &policy(options)?).map_err(thrown)?;
        let plan = plain(&plan)?;
        Reflect::set(&plan, &"ms".into(), &(now() - start).into())?;
        Ok(plan)
    }

    /// Goes on with another head and embedder for the same candidates. Digests and line-up are as in the constructor.
    pub fn upgrade(&mut self, router: &[u8], embedder: FileBytes, digests: Option<Vec<u8>>, lineup: JsValue) -> Result<(), JsValue> {
        let next = load(router, embedder, digests, lineup, 0)?;
        self.0.become_like(next).map_err(thrown)
    }

    /// Turns on learning from feedback.
    pub fn learn(&mut self, settings: JsValue, seed: u64) -> Result<(), JsValue> {
        let settings = read("learn", "expected the settings of a bandit", settings)?;
        self.0.learn(settings, seed).map_err(thrown)
    }

    /// Allows all calls together so many US dollars from now on.
    pub fn limit(&mut self, budget_usd: f64) -> Result<(), JsValue> {
        self.0.limit(budget_usd).map_err(thrown)
    }

    /// How the running budget stands; `undefined` where there is none.
    #[wasm_bindgen(getter)]
    pub fn budget(&self) -> Result<JsValue, JsValue> {
        self.0.budget().map_or(Ok(JsValue::UNDEFINED), |budget| plain(&budget))
    }

    /// Tells what came of a decision.
    pub fn feedback(&self, id: &str, outcome: JsValue) -> Result<(), JsValue> {
        self.0.feedback(id, outcome_of(outcome)?).map_err(thrown)
    }

    /// What was learned, as sums.
    #[wasm_bindgen(js_name = exportState)]
    pub fn export_state(&self) -> Result<Vec<u8>, JsValue> {
        self.0.export_state().map_err(thrown)
    }

    /// Adds what another router has learned.
    #[wasm_bindgen(js_name = mergeState)]
    pub fn merge_state(&self, state: &[u8]) -> Result<(), JsValue> {
        self.0.merge_state(state).map_err(thrown)
    }

    /// What was learned here since the last drain, as sums.
    #[wasm_bindgen(js_name = drainState)]
    pub fn drain_state(&self) -> Result<Vec<u8>, JsValue> {
        self.0.drain_state().map_err(thrown)
    }

    /// Takes these sums in place of what was learned and drained.
    #[wasm_bindgen(js_name = replaceState)]
    pub fn replace_state(&self, state: &[u8]) -> Result<(), JsValue> {
        self.0.replace_state(state).map_err(thrown)
    }

    /// What another router needs to hear feedback on a decision.
    pub fn receipt(&self, id: &str) -> Result<Vec<u8>, JsValue> {
        self.0.receipt(id).map_err(thrown)
    }

    /// Tells what came of a decision that any router of these files made.
    pub fn redeem(&self, receipt: &[u8], outcome: JsValue) -> Result<(), JsValue> {
        self.0.redeem(receipt, outcome_of(outcome)?).map_err(thrown)
    }

    /// A piece of what must outlive this instance; `undefined` where there are no more.
    pub fn save(&self, piece: usize) -> Option<Vec<u8>> {
        self.0.save(piece)
    }

    /// Takes back a piece that an equal router saved.
    pub fn restore(&self, piece: usize, bytes: &[u8]) -> Result<(), JsValue> {
        self.0.restore(piece, bytes).map_err(thrown)
    }

    /// The encoder for a GPU, as `src/embedder/plan.rs` tells.
    #[wasm_bindgen(js_name = encoderPlan)]
    pub fn encoder_plan(&self) -> Result<Vec<u8>, JsValue> {
        self.0.encoder_plan().map_err(thrown)
    }

    /// What that encoder reads of prompts: `{ values: Float32Array, lengths: Uint32Array }`.
    pub fn lookup(&self, inputs: Array) -> Result<Object, JsValue> {
        let rows = self.0.lookup(&prompts(&inputs)?).map_err(thrown)?;
        let read = Object::new();
        Reflect::set(&read, &"values".into(), &Float32Array::from(&*rows.values))?;
        Reflect::set(&read, &"lengths".into(), &js_sys::Uint32Array::from(&*rows.lengths))?;
        Ok(read)
    }

    /// As `route`, on the embedding that a GPU computed from the prompt's rows.
    #[wasm_bindgen(js_name = routeEmbedded)]
    pub fn route_embedded(&self, input: JsValue, options: JsValue, vector: Vec<f32>) -> Result<JsValue, JsValue> {
        plain(&self.0.route_embedded(&prompt(input)?, &policy(options)?, vector).map_err(thrown)?)
    }

    /// Unit vectors, one row of `width` numbers per input.
    pub fn embed(&self, inputs: Array) -> Result<Float32Array, JsValue> {
        let rows = self.0.embed(&prompts(&inputs)?).map_err(thrown)?;
        Ok(Float32Array::from(rows.iter().map(Embedding::as_slice).collect::<Vec<_>>().concat().as_slice()))
    }

    /// Number of coordinates of an embedding.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// The candidates, in the order of every decision's `scores`.
    #[wasm_bindgen(getter)]
    pub fn candidates(&self) -> Result<JsValue, JsValue> {
        plain(self.0.candidates())
    }

    /// Which embedder answers.
    #[wasm_bindgen(getter)]
    pub fn tier(&self) -> Result<JsValue, JsValue> {
        plain(&self.0.tier())
    }

    /// Id of the candidate with the best mean score.
    #[wasm_bindgen(getter)]
    pub fn strongest(&self) -> String {
        self.0.strongest().id.clone()
    }
}

/// What is loaded, as long as a router uses it.
type Loaded = (String, Weak<Tokenizer>, Weak<dyn Embedder>);

thread_local! {
    static LOADED: RefCell<Vec<Loaded>> = const { RefCell::new(vec![]) };
}

/// As [`Router::open`], except that routers of one embedder share it: the memory has room for few.
fn open(router: RouterFile, file: EmbedderFile, seed: u64) -> Result<Router> {
    let fingerprint = file.fingerprint().to_owned();
    let find = |loaded: &RefCell<Vec<Loaded>>| {
        let mut loaded = loaded.borrow_mut();
        loaded.retain(|(_, _, embedder)| embedder.strong_count() > 0);
        let (_, tokenizer, embedder) = loaded.iter().find(|(known, ..)| *known == fingerprint)?;
        Some((tokenizer.upgrade()?, embedder.upgrade()?))
    };
    if let Some((tokenizer, embedder)) = LOADED.with(find) {
        return Router::new(router, tokenizer, embedder, seed);
    }
    let (tokenizer, embedder) = load_embedder(file)?;
    let (tokenizer, embedder): (Arc<Tokenizer>, Arc<dyn Embedder>) = (Arc::new(tokenizer), Arc::new(embedder));
    LOADED.with(|loaded| loaded.borrow_mut().push((fingerprint, Arc::downgrade(&tokenizer), Arc::downgrade(&embedder))));
    Router::new(router, tokenizer, embedder, seed)
}

fn outcome_of(value: JsValue) -> Result<Feedback, JsValue> {
    read("feedback", "expected a score from 0 to 1, usd, or both", value)
}

/// Adds what several routers have learned, without any of them. Each of `states` is a `Uint8Array`.
#[wasm_bindgen(js_name = addStates)]
pub fn sum_of_states(states: Array) -> Result<Vec<u8>, JsValue> {
    let bytes = |state: JsValue| Ok(state.dyn_into::<Uint8Array>()?.to_vec());
    let states = states.iter().map(bytes).collect::<Result<Vec<_>, JsValue>>()?;
    add_states(&states).map_err(thrown)
}

/// A router of both files. `digests` holds one for each, or there are none.
fn load(router: &[u8], embedder: FileBytes, digests: Option<Vec<u8>>, lineup: JsValue, seed: u64) -> Result<Router, JsValue> {
    let (of_router, of_embedder) = digests.as_ref().map(|digests| digests.split_at(digests.len() / 2)).unzip();
    let router = router_file(router, of_router, lineup)?;
    open(router, embedder.parse(of_embedder)?, seed).map_err(thrown)
}

fn router_file(bytes: &[u8], digest: Option<&[u8]>, lineup: JsValue) -> Result<RouterFile, JsValue> {
    let file = digest.map_or_else(|| RouterFile::parse(bytes), |digest| RouterFile::parse_hashed(bytes, digest)).map_err(thrown)?;
    if lineup.is_undefined() {
        return Ok(file);
    }
    let entries: Vec<Entry> = read("candidates", "expected a list of candidates with an id each", lineup)?;
    file.with_lineup(&entries).map_err(thrown)
}

/// A file on its way into the linear memory, chunk by chunk, so that JavaScript need not hold all of it.
#[wasm_bindgen]
pub struct FileBytes(Vec<u8>);

#[wasm_bindgen]
impl FileBytes {
    /// Room for a file; more is made where more comes.
    #[wasm_bindgen(constructor)]
    pub fn new(expected: usize) -> Result<FileBytes, JsValue> {
        let mut bytes = vec![];
        bytes.try_reserve_exact(expected).map_err(|_| too_large(expected))?;
        Ok(FileBytes(bytes))
    }

    /// Puts a chunk behind what is there.
    pub fn append(&mut self, chunk: &Uint8Array) -> Result<(), JsValue> {
        let (start, more) = (self.0.len(), chunk.length() as usize);
        self.0.try_reserve(more).map_err(|_| too_large(start + more))?;
        self.0.resize(start + more, 0);
        chunk.copy_to(&mut self.0[start..]);
        Ok(())
    }

    /// Where the bytes start in the linear memory: valid until anything is called that may allocate.
    #[wasm_bindgen(getter)]
    pub fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// Number of bytes so far.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// How many of the bytes an embedder file's closing hash covers.
    #[wasm_bindgen(getter, js_name = sealedBytes)]
    pub fn sealed_bytes(&self) -> usize {
        EmbedderFile::sealed_len(self.0.len())
    }
}

impl FileBytes {
    fn parse(self, digest: Option<&[u8]>) -> Result<EmbedderFile, JsValue> {
        let file = match digest {
            Some(digest) => EmbedderFile::parse_hashed(self.0, digest),
            None => EmbedderFile::parse(self.0),
        };
        file.map_err(thrown)
    }
}

fn too_large(len: usize) -> JsValue {
    thrown(Error::engine("reading a file", format!("{len} bytes of it do not fit into the memory that is left")))
}

/// Runs every op of an encoder some times, on made-up numbers: see [`crate::embedder::rehearse`].
#[wasm_bindgen]
pub fn rehearse(times: usize) -> Result<(), JsValue> {
    (0..times).try_for_each(|_| crate::embedder::rehearse()).map_err(thrown)
}

/// The SIMD level that this file was built for.
#[wasm_bindgen]
pub fn simd() -> String {
    if cfg!(feature = "relaxed") { "relaxed" } else { "simd128" }.into()
}

/// Size of the linear memory, in bytes.
#[wasm_bindgen(js_name = memoryBytes)]
pub fn memory_bytes() -> f64 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let buffer: js_sys::ArrayBuffer = memory.buffer().unchecked_into();
    f64::from(buffer.byte_length())
}

/// A list of messages, a message, its list of parts, a part, its text. What lies deeper is no text that is read.
const MAX_NESTING: usize = 5;

fn prompt(input: JsValue) -> Result<Prompt, JsValue> {
    check_text(&input, MAX_NESTING)?;
    let expected = "expected a string or a list of messages with role and content";
    read("prompt", expected, input)
}

fn prompts(inputs: &Array) -> Result<Vec<Prompt>, JsValue> {
    inputs.iter().map(prompt).collect()
}

fn policy(options: JsValue) -> Result<Policy, JsValue> {
    if options.is_undefined() || options.is_null() {
        return Ok(Policy::default());
    }
    read("options", "expected numbers for dials and lists of strings for allow and needs", options)
}

fn read<T: DeserializeOwned>(argument: &str, expected: &str, value: JsValue) -> Result<T, JsValue> {
    serde_wasm_bindgen::from_value(value).map_err(|e| thrown(Error::input(argument, format!("{expected}; {e}"))))
}

/// Half of a surrogate pair has no UTF-8; it would be replaced in silence, and another text would be routed.
fn check_text(value: &JsValue, depth: usize) -> Result<(), JsValue> {
    let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
    if let Some(text) = value.dyn_ref::<JsString>() {
        return if text.is_valid_utf16() {
            Ok(())
        } else {
            Err(thrown(Error::input("prompt", "it holds half of a surrogate pair; call toWellFormed() on it first")))
        };
    }
    if Array::is_array(value) {
        return Array::from(value).iter().try_for_each(|part| check_text(&part, depth));
    }
    match value.dyn_ref::<Object>() {
        Some(object) => ["role", "content", "text"].iter().try_for_each(|key| check_text(&Reflect::get(object, &(*key).into())?, depth)),
        None => Ok(()),
    }
}

fn plain<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, JsValue> {
    value.serialize(&Serializer::json_compatible()).map_err(|e| thrown(Error::engine("converting a result", e.to_string())))
}

/// A JavaScript `Error` with the stable `code`.
fn thrown(error: Error) -> JsValue {
    let thrown = js_sys::Error::new(&error.to_string());
    // Setting a property of a fresh, extensible object cannot fail.
    let _ = Reflect::set(&thrown, &"code".into(), &error.code().into());
    thrown.into()
}

/// Milliseconds on the host's monotonic clock, or 0 where it has none.
fn now() -> f64 {
    let clock = Reflect::get(&js_sys::global(), &"performance".into()).ok().filter(|clock| !clock.is_undefined());
    clock.map_or(0.0, |clock| clock.unchecked_into::<web_sys::Performance>().now())
}
