//! Promise: graphs that others exported run too. What the rules recognise is fused, the rest is correct, and both are told.

mod support;

use pointsman::embedder::build::{Folder, adopt, build};
use pointsman::embedder::protobuf::{AttributeProto, AttributeType, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use pointsman::embedder::{Activations, Coverage, Embedder, EmbedderFile, GraphEmbedder};
use pointsman::tokenizer::Tokens;
use prost::Message;
use support::tiny;

fn folder() -> Folder {
    tiny::folder(1)
}

fn model(activations: Activations) -> ModelProto {
    let mut model = ModelProto::decode(&*build(&folder(), activations).unwrap()).unwrap();
    model.metadata_props = vec![];
    model
}

fn texts() -> Vec<Tokens> {
    let text = |ids: &[u32]| Tokens { total: ids.len(), ids: ids.to_vec(), ..Tokens::default() };
    vec![text(&[2, 40, 17, 90, 3]), text(&[2, 3]), text(&[2, 101, 102, 103, 104, 105, 106, 107, 108, 9, 3]), text(&[2; 48])]
}

fn run(file: Vec<u8>) -> (Vec<Vec<f32>>, Coverage) {
    let embedder = GraphEmbedder::new(EmbedderFile::parse(file).unwrap()).unwrap();
    let single: Vec<_> = texts().iter().map(|tokens| embedder.embed(tokens).unwrap()).collect();
    assert!(embedder.embed_batch(&texts()).unwrap() == single, "a batch must give what its texts give alone");
    (single.iter().map(|e| e.as_slice().to_vec()).collect(), embedder.coverage().clone())
}

fn worst_cosine(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>()).fold(1.0, f32::min)
}

fn fused(coverage: &Coverage) -> Vec<(&str, usize)> {
    coverage.fused.iter().map(|(op, count)| (op.as_str(), *count)).collect()
}

/// Every node that `f` knows becomes the nodes it names.
fn rewrite(model: &mut ModelProto, f: impl Fn(&NodeProto) -> Option<Vec<NodeProto>>) {
    let graph = model.graph.as_mut().unwrap();
    graph.node = graph.node.iter().flat_map(|node| f(node).unwrap_or_else(|| vec![node.clone()])).collect();
}

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let names = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
    NodeProto { op_type: op.into(), name: outputs[0].into(), input: names(inputs), output: names(outputs), ..Default::default() }
}

fn constant(model: &mut ModelProto, name: &str, value: f32) {
    let raw_data = value.to_le_bytes().to_vec();
    let tensor = TensorProto { name: name.into(), data_type: 1, raw_data, ..Default::default() };
    model.graph.as_mut().unwrap().initializer.push(tensor);
}

#[test]
fn our_own_file_is_fused_whole() {
    for activations in [Activations::Bits7, Activations::Bits14] {
        let (_, coverage) = run(build(&folder(), activations).unwrap());
        assert_eq!(fused(&coverage), [("attention", 2), ("embed", 1), ("linear", 8), ("norm", 4), ("pool", 1)]);
        assert!(coverage.other.is_empty(), "{coverage:?}");
    }
}

#[test]
fn our_own_file_gives_what_tract_makes_of_its_graph() {
    for activations in [Activations::Bits7, Activations::Bits14] {
        let known = model(activations);
        let mut unknown = known.clone();
        unknown.graph.as_mut().unwrap().node[0].name.push('x');
        let [known, unknown] = [known, unknown].map(|model| adopt(&folder(), &model.encode_to_vec(), activations).unwrap());
        let plan = |file: &[u8]| GraphEmbedder::new(EmbedderFile::parse(file).unwrap()).unwrap().encoder_plan().unwrap();
        assert!(plan(&known) == plan(&unknown));
        assert_eq!(run(known), run(unknown));
    }
}

#[test]
fn a_graph_of_floats_keeps_its_products_in_floats() {
    let (floats, coverage) = run(build(&folder(), Activations::Float).unwrap());
    assert_eq!(fused(&coverage), [("attention", 2), ("embed", 1), ("norm", 4), ("pool", 1)]);
    assert_eq!(coverage.other["EinSum"], 12);
    for (activations, least) in [(Activations::Bits7, 0.99), (Activations::Bits14, 0.9995)] {
        let (rounded, _) = run(build(&folder(), activations).unwrap());
        let worst = worst_cosine(&floats, &rounded);
        assert!(worst > least && worst < 1.0, "{activations:?}: {worst}");
    }
}

/// What torch's exporter writes before opset 17.
fn decomposed(norm: &NodeProto) -> Option<Vec<NodeProto>> {
    if norm.op_type != "LayerNormalization" {
        return None;
    }
    let (x, y) = (norm.input[0].as_str(), norm.output[0].as_str());
    let part = |name: &str| format!("{y}/{name}");
    let mean = |input: &str, output: &str| {
        let axes = AttributeProto { name: "axes".into(), r#type: AttributeType::Ints as i32, ints: vec![-1], ..Default::default() };
        NodeProto { attribute: vec![axes], ..node("ReduceMean", &[input], &[output]) }
    };
    Some(vec![
        mean(x, &part("mean")),
        node("Sub", &[x, &part("mean")], &[&part("centred")]),
        node("Pow", &[&part("centred"), "two"], &[&part("squares")]),
        mean(&part("squares"), &part("variance")),
        node("Add", &[&part("variance"), "epsilon"], &[&part("spread")]),
        node("Sqrt", &[&part("spread")], &[&part("root")]),
        node("Div", &[&part("centred"), &part("root")], &[&part("normalized")]),
        node("Mul", &[&part("normalized"), &norm.input[1]], &[&part("scaled")]),
        node("Add", &[&part("scaled"), &norm.input[2]], &[y]),
    ])
}

#[test]
fn a_plain_torch_export_runs_and_is_fused() {
    let mut model = model(Activations::Float);
    rewrite(&mut model, decomposed);
    constant(&mut model, "two", 2.0);
    constant(&mut model, "epsilon", 1e-12);
    model.opset_import[0].version = 14;
    let (vectors, coverage) = run(adopt(&folder(), &model.encode_to_vec(), Activations::Float).unwrap());
    assert_eq!(fused(&coverage), [("attention", 2), ("embed", 1), ("norm", 4), ("pool", 1)]);
    let (expected, _) = run(build(&folder(), Activations::Float).unwrap());
    assert!(worst_cosine(&vectors, &expected) > 0.999_999);
}

/// What onnxruntime's `quantize_dynamic` writes.
fn quantized(product: &NodeProto) -> Option<Vec<NodeProto>> {
    let weight = product.input.get(1).filter(|w| product.op_type == "MatMul" && w.ends_with(".weight"))?;
    let (x, y) = (product.input[0].as_str(), product.output[0].as_str());
    let part = |name: &str| format!("{y}/{name}");
    let [int8, scale, zero] = ["int8", "scale", "zero"].map(|part| format!("{weight}.{part}"));
    Some(vec![
        node("DynamicQuantizeLinear", &[x], &[&part("x"), &part("x_scale"), &part("x_zero")]),
        node("MatMulInteger", &[&part("x"), &int8, &part("x_zero"), &zero], &[&part("sums")]),
        NodeProto {
            attribute: vec![AttributeProto { name: "to".into(), r#type: AttributeType::Int as i32, i: 1, ..Default::default() }],
            ..node("Cast", &[&part("sums")], &[&part("float")])
        },
        node("Mul", &[&part("x_scale"), &scale], &[&part("factor")]),
        node("Mul", &[&part("float"), &part("factor")], &[y]),
    ])
}

#[test]
fn a_dynamically_quantized_export_runs() {
    let mut model = model(Activations::Bits14);
    rewrite(&mut model, |node| (node.op_type == "DequantizeLinear").then(Vec::new));
    rewrite(&mut model, quantized);
    // Such files carry shapes with symbols of their own, which contradict ours.
    let graph = model.graph.as_mut().unwrap();
    graph.value_info.push(ValueInfoProto { name: "mask_float".into(), ..graph.output[0].clone() });
    let (vectors, coverage) = run(adopt(&folder(), &model.encode_to_vec(), Activations::Float).unwrap());
    assert_eq!(fused(&coverage), [("attention", 2), ("embed", 1), ("norm", 4), ("pool", 1)]);
    assert_eq!(coverage.other["RoundHalfToEven"], 24);
    let (expected, _) = run(build(&folder(), Activations::Float).unwrap());
    let worst = worst_cosine(&vectors, &expected);
    assert!(worst > 0.99, "{worst}");
}

#[test]
fn a_foreign_graph_of_int8_weights_is_fused_on_demand() {
    let model = model(Activations::Bits14).encode_to_vec();
    let (floats, coverage) = run(adopt(&folder(), &model, Activations::Float).unwrap());
    assert_eq!(coverage.fused.get("linear"), None);
    let (rounded, coverage) = run(adopt(&folder(), &model, Activations::Bits14).unwrap());
    assert_eq!(coverage.fused["linear"], 8);
    assert!(worst_cosine(&floats, &rounded) > 0.999_99);
}

#[test]
fn a_mask_that_hides_something_is_left_to_tract() {
    let mut model = model(Activations::Bits14);
    let rewired = |old: &NodeProto| (old.name == "mask").then(|| vec![node("Add", &["mask_hidden", "one"], &["mask"])]);
    rewrite(&mut model, rewired);
    let (vectors, coverage) = run(adopt(&folder(), &model.encode_to_vec(), Activations::Bits14).unwrap());
    assert_eq!((coverage.fused.get("attention"), coverage.other["Softmax"]), (None, 2));
    // Here it adds 1 to every score, which softmax takes out again.
    let (expected, _) = run(build(&folder(), Activations::Bits14).unwrap());
    assert!(worst_cosine(&vectors, &expected) > 0.999_99);
}

#[test]
fn graphs_that_are_no_encoders_are_refused() {
    let refused = |change: fn(&mut ModelProto)| {
        let mut model = model(Activations::Bits7);
        change(&mut model);
        let file = EmbedderFile::parse(adopt(&folder(), &model.encode_to_vec(), Activations::Bits7).unwrap()).unwrap();
        GraphEmbedder::new(file).err().unwrap().code()
    };
    assert_eq!(refused(|m| m.graph.as_mut().unwrap().input[0].name = "pixels".into()), "BAD_ARTIFACT");
    assert_eq!(refused(|m| m.graph.as_mut().unwrap().output[0].name = "nothing".into()), "BAD_ARTIFACT");
    assert_eq!(refused(|m| drop(m.graph.as_mut().unwrap().node.remove(30))), "BAD_ARTIFACT");
    assert_eq!(refused(|m| m.graph = None), "BAD_ARTIFACT");
    assert_eq!(adopt(&folder(), b"no protobuf", Activations::Float).unwrap_err().code(), "BAD_ARTIFACT");
}
