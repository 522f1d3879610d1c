//! Promise: the wasm face behaves the same in Node and in a browser. The runner chooses the host.
#![cfg(target_arch = "wasm32")]

use js_sys::{Array, Reflect, Uint8Array};
use pointsman::wasm::{FileBytes, WasmRouter, memory_bytes, simd};
use sha2::{Digest, Sha256};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

const EMBEDDER: &[u8] = include_bytes!("data/tiny.onnx");
const ROUTER: &[u8] = include_bytes!("data/tiny.router");

fn bytes(file: &[u8]) -> FileBytes {
    let mut bytes = FileBytes::new(file.len()).unwrap();
    file.chunks(1000).for_each(|chunk| bytes.append(&Uint8Array::from(chunk)).unwrap());
    bytes
}

fn router() -> WasmRouter {
    WasmRouter::new(ROUTER, bytes(EMBEDDER), 1, None, JsValue::UNDEFINED).unwrap()
}

fn get(value: &JsValue, key: &str) -> JsValue {
    Reflect::get(value, &key.into()).unwrap()
}

fn json(text: &str) -> JsValue {
    js_sys::JSON::parse(text).unwrap()
}

fn code<T>(result: Result<T, JsValue>) -> String {
    let error = result.err().expect("an error");
    assert!(error.is_instance_of::<js_sys::Error>());
    get(&error, "code").as_string().unwrap()
}

#[wasm_bindgen_test]
fn decisions_are_plain_objects() {
    let decision = router().route("hello".into(), JsValue::UNDEFINED).unwrap();
    let model = get(&decision, "model").as_string().unwrap();
    assert!(["small", "medium", "large"].contains(&model.as_str()));
    assert_eq!(get(&decision, "reason"), "utility");
    assert_eq!(get(&decision, "propensity"), 1.0);
    assert_eq!(get(&decision, "truncated"), false);
    assert!(get(&decision, "ms").as_f64().unwrap() >= 0.0);
    assert_eq!(Array::from(&get(&decision, "scores")).length(), 3);
    let text: String = js_sys::JSON::stringify(&decision).unwrap().into();
    assert!(text.contains("\"spread\""), "{text}");
}

#[wasm_bindgen_test]
fn native_and_wasm_agree() {
    // Qualities of the tiny router for "hello", printed by the native command.
    let native: Vec<f64> = include_str!("data/tiny.hello").split_whitespace().map(|q| q.parse().unwrap()).collect();
    let decision = router().route("hello".into(), JsValue::UNDEFINED).unwrap();
    for (score, native) in Array::from(&get(&decision, "scores")).iter().zip(native) {
        let quality = get(&score, "quality").as_f64().unwrap();
        assert!((quality - native).abs() < 1e-4, "{quality} here, {native} natively");
    }
}

#[wasm_bindgen_test]
fn options_and_chats_are_understood() {
    let router = router();
    let chat = json(r#"[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"hello"}]}]"#);
    let allowed = router.route(chat, json(r#"{"allow":["medium"],"costWeight":1}"#)).unwrap();
    assert_eq!(get(&allowed, "model"), "medium");
    assert_eq!(get(&allowed, "reason"), "only-eligible");
    let ranked = Array::from(&router.rank("hello".into(), json(r#"{"needs":["vision"]}"#)).unwrap());
    assert_eq!(get(&ranked.get(0), "model"), "large");
    assert_eq!(get(&ranked.get(1), "ineligible"), "capability");
}

#[wasm_bindgen_test]
fn embeddings_are_unit_rows() {
    let rows = router().embed(Array::of2(&"hello".into(), &"world".into())).unwrap().to_vec();
    assert_eq!(rows.len(), 2 * router().width());
    for row in rows.chunks(router().width()) {
        assert!((row.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[wasm_bindgen_test]
fn bad_input_is_a_typed_error() {
    let router = router();
    let route = |input: JsValue, options: &str| code(router.route(input, json(options)));
    for input in [json("\"\""), json("\" \\n\""), json("[]"), json("42"), json("null"), json("[{\"content\":\"no role\"}]")] {
        assert_eq!(route(input, "{}"), "BAD_INPUT");
    }
    // JSON.parse lets half a surrogate pair through, as any JavaScript string may hold one.
    for input in [r#""\ud83d""#, r#"[{"role":"user","content":"\ude00 a"}]"#, r#"[{"role":"user","content":[{"text":"\ud83d"}]}]"#] {
        assert_eq!(route(json(input), "{}"), "BAD_INPUT");
    }
    for options in [r#"{"costWeight":-1}"#, r#"{"costWeight":"a"}"#, r#"{"minQuality":2}"#, r#"{"allow":["nobody"]}"#, "7"] {
        assert_eq!(route("hello".into(), options), "BAD_INPUT", "{options}");
    }
    let nan = js_sys::Object::new();
    Reflect::set(&nan, &"maxUsd".into(), &f64::NAN.into()).unwrap();
    assert_eq!(code(router.route("hello".into(), nan.into())), "BAD_INPUT");
    assert_eq!(route("hello".into(), r#"{"maxUsd":0}"#), "NO_ELIGIBLE");
    assert_eq!(route("hello".into(), r#"{"minQuality":1}"#), "INFEASIBLE");
}

#[wasm_bindgen_test]
fn damaged_files_are_typed_errors() {
    assert_eq!(code(WasmRouter::new(&ROUTER[..99], bytes(EMBEDDER), 0, None, JsValue::UNDEFINED)), "BAD_ARTIFACT");
    assert_eq!(code(WasmRouter::new(ROUTER, bytes(&EMBEDDER[..999]), 0, None, JsValue::UNDEFINED)), "BAD_ARTIFACT");
    assert_eq!(code(WasmRouter::new(EMBEDDER, bytes(ROUTER), 0, None, JsValue::UNDEFINED)), "BAD_ARTIFACT");
    assert_eq!(code(WasmRouter::new(ROUTER, bytes(&[]), 0, None, JsValue::UNDEFINED)), "BAD_ARTIFACT");
}

#[wasm_bindgen_test]
fn hashes_from_the_host_must_be_the_files() {
    let file = bytes(EMBEDDER);
    let of_router = Sha256::digest(&ROUTER[..ROUTER.len() - 32]).to_vec();
    let of_embedder = Sha256::digest(&EMBEDDER[..file.sealed_bytes()]).to_vec();
    let right = [of_router.clone(), of_embedder.clone()].concat();
    assert_eq!(file.length(), EMBEDDER.len());
    assert!(WasmRouter::new(ROUTER, file, 0, Some(right.clone()), JsValue::UNDEFINED).is_ok());
    let zeros = vec![0; 32];
    let halves = [[of_router.clone(), zeros.clone()], [zeros, of_embedder.clone()], [of_embedder, of_router]].map(|pair| pair.concat());
    for wrong in [vec![], right[1..].to_vec(), right[..32].to_vec()].into_iter().chain(halves) {
        assert_eq!(code(WasmRouter::new(ROUTER, bytes(EMBEDDER), 0, Some(wrong), JsValue::UNDEFINED)), "BAD_ARTIFACT");
    }
}

#[wasm_bindgen_test]
fn a_long_prompt_is_cut_and_says_so() {
    let decision = router().route("explain ".repeat(1 << 17).into(), JsValue::UNDEFINED).unwrap();
    assert_eq!(get(&decision, "truncated"), true);
}

#[wasm_bindgen_test]
fn many_routes_leave_memory_as_it_was() {
    let router = router();
    let route = || drop(router.route("write a poem".into(), JsValue::UNDEFINED).unwrap());
    (0..100).for_each(|_| route());
    let before = memory_bytes();
    (0..1000).for_each(|_| route());
    assert_eq!(memory_bytes(), before);
    assert_eq!(simd(), "simd128");
}
