"""The ONNX files that the peers run, made from the published weights without torch.

The nodes are those that the TorchScript exporter writes for a BERT (opset 14, LayerNorm and GELU decomposed), so
onnxruntime's fusions see what they see in the files on the hub. The int8 file is quantized as transformers.js does for
its `model_quantized.onnx`: dynamic, per channel, reduce_range, int8 weights, uint8 activations.

usage: model.py WEIGHTS_FOLDER OUT_FOLDER     writes OUT_FOLDER/f32.onnx and OUT_FOLDER/onnx/model_quantized.onnx
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file


class Graph:
    """Nodes and initializers as they come; every method returns the name of its output."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], {}

    def op(self, kind, inputs, name, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name, value):
        self.constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name))
        return name

    def scalar(self, value):
        return self.constant(f"f32_{value}", np.array(value, np.float32))

    def ints(self, *values):
        return self.constant("i64_" + "_".join(map(str, values)), np.array(values, np.int64))

    def weight(self, name):
        return self.constant(name, self.weights[name])

    def dim(self, tensor, axis, name):
        """One dimension of a tensor, as a list of one."""
        shape = self.op("Shape", [tensor], f"{name}/Shape_{axis}")
        index = self.constant(f"axis_{axis}", np.array(axis, np.int64))
        size = self.op("Gather", [shape, index], f"{name}/Gather_{axis}", axis=0)
        return self.op("Unsqueeze", [size, self.ints(0)], f"{name}/Unsqueeze_{axis}")

    def linear(self, x, weights, name):
        transposed = self.constant(f"{weights}.weight_T", self.weights[f"{weights}.weight"].T)
        product = self.op("MatMul", [x, transposed], f"{name}/MatMul")
        return self.op("Add", [self.weight(f"{weights}.bias"), product], f"{name}/Add")

    def layernorm(self, x, weights, eps, name):
        mean = self.op("ReduceMean", [x], f"{name}/ReduceMean", axes=[-1])
        centred = self.op("Sub", [x, mean], f"{name}/Sub")
        square = self.op("Pow", [centred, self.scalar(2.0)], f"{name}/Pow")
        variance = self.op("ReduceMean", [square], f"{name}/ReduceMean_1", axes=[-1])
        deviation = self.op("Sqrt", [self.op("Add", [variance, self.scalar(eps)], f"{name}/Add")], f"{name}/Sqrt")
        scaled = self.op("Mul", [self.op("Div", [centred, deviation], f"{name}/Div"), self.weight(f"{weights}.weight")], f"{name}/Mul")
        return self.op("Add", [scaled, self.weight(f"{weights}.bias")], f"{name}/Add_1")

    def gelu(self, x, name):
        erf = self.op("Erf", [self.op("Div", [x, self.scalar(math.sqrt(2))], f"{name}/Div")], f"{name}/Erf")
        product = self.op("Mul", [x, self.op("Add", [erf, self.scalar(1.0)], f"{name}/Add")], f"{name}/Mul")
        return self.op("Mul", [product, self.scalar(0.5)], f"{name}/Mul_1")


def embeddings(g, config):
    name = "embeddings"
    word = g.op("Gather", [g.weight(f"{name}.word_embeddings.weight"), "input_ids"], "/embeddings/word")
    kind = g.op("Gather", [g.weight(f"{name}.token_type_embeddings.weight"), "token_type_ids"], "/embeddings/type")
    positions = g.constant("position_ids", np.arange(config["max_position_embeddings"], dtype=np.int64)[None])
    length = g.dim("input_ids", 1, "/embeddings")
    used = g.op("Slice", [positions, g.ints(0), length, g.ints(1)], "/embeddings/Slice")
    position = g.op("Gather", [g.weight(f"{name}.position_embeddings.weight"), used], "/embeddings/position")
    x = g.op("Add", [g.op("Add", [word, kind], "/embeddings/Add"), position], "/embeddings/Add_1")
    return g.layernorm(x, f"{name}.LayerNorm", config["layer_norm_eps"], "/embeddings/LayerNorm")


def mask(g):
    """0 where a token counts, the least f32 where it does not."""
    wide = g.op("Unsqueeze", [g.op("Unsqueeze", ["attention_mask", g.ints(1)], "/mask/Unsqueeze"), g.ints(2)], "/mask/Unsqueeze_1")
    absent = g.op("Sub", [g.scalar(1.0), g.op("Cast", [wide], "/mask/Cast", to=TensorProto.FLOAT)], "/mask/Sub")
    return g.op("Mul", [absent, g.constant("f32_min", np.array(np.finfo(np.float32).min))], "/mask/Mul")


def attention(g, x, bias, layer, config, name):
    count = config["num_attention_heads"]
    width = config["hidden_size"] // count

    def heads(part, perm):
        at = f"{name}/{part}"
        flat = g.linear(x, f"{layer}.attention.self.{part}", at)
        shape = g.op("Concat", [g.dim(flat, 0, at), g.dim(flat, 1, at), g.ints(count), g.ints(width)], f"{at}/Concat", axis=0)
        return g.op("Transpose", [g.op("Reshape", [flat, shape], f"{at}/Reshape")], f"{at}/Transpose", perm=perm)

    query, key, value = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
    scores = g.op("Div", [g.op("MatMul", [query, key], f"{name}/MatMul"), g.scalar(math.sqrt(width))], f"{name}/Div")
    weights = g.op("Softmax", [g.op("Add", [scores, bias], f"{name}/Add")], f"{name}/Softmax", axis=-1)
    mixed = g.op("Transpose", [g.op("MatMul", [weights, value], f"{name}/MatMul_1")], f"{name}/Transpose", perm=[0, 2, 1, 3])
    shape = g.op("Concat", [g.dim(mixed, 0, name), g.dim(mixed, 1, name), g.ints(config["hidden_size"])], f"{name}/Concat", axis=0)
    return g.op("Reshape", [mixed, shape], f"{name}/Reshape")


def encoder_layer(g, x, bias, index, config):
    layer, name, eps = f"encoder.layer.{index}", f"/encoder/layer.{index}", config["layer_norm_eps"]
    mixed = attention(g, x, bias, layer, config, f"{name}/attention/self")
    out = g.linear(mixed, f"{layer}.attention.output.dense", f"{name}/attention/output/dense")
    residual = g.op("Add", [out, x], f"{name}/attention/output/Add")
    x = g.layernorm(residual, f"{layer}.attention.output.LayerNorm", eps, f"{name}/attention/output/LayerNorm")
    inner = g.gelu(g.linear(x, f"{layer}.intermediate.dense", f"{name}/intermediate/dense"), f"{name}/intermediate/gelu")
    out = g.linear(inner, f"{layer}.output.dense", f"{name}/output/dense")
    return g.layernorm(g.op("Add", [out, x], f"{name}/output/Add"), f"{layer}.output.LayerNorm", eps, f"{name}/output/LayerNorm")


def model(weights, config):
    g = Graph(weights)
    x, bias = embeddings(g, config), mask(g)
    for index in range(config["num_hidden_layers"]):
        x = encoder_layer(g, x, bias, index, config)
    g.nodes[-1].output[0] = "last_hidden_state"
    axes = ["batch_size", "sequence_length"]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, axes) for n in ("input_ids", "attention_mask", "token_type_ids")]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, axes + [config["hidden_size"]])
    graph = helper.make_graph(g.nodes, "minilm-l6-v2", inputs, [output], list(g.constants.values()))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=7, producer_name="pointsman benches/peers")
    onnx.checker.check_model(made)
    return made


def main(source, out):
    config = json.loads((source / "config.json").read_text())
    (out / "onnx").mkdir(parents=True, exist_ok=True)
    onnx.save(model(load_file(source / "model.safetensors"), config), out / "f32.onnx")
    options = {"EnableSubgraph": True, "MatMulConstBOnly": True}
    quantize_dynamic(out / "f32.onnx", out / "onnx" / "model_quantized.onnx", per_channel=True, reduce_range=True,
                     weight_type=QuantType.QInt8, extra_options=options)


main(Path(sys.argv[1]), Path(sys.argv[2]))
