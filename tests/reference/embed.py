"""Embeds token ids with onnxruntime: python embed.py MODEL.onnx < ids.jsonl > vectors.jsonl

One JSON list of ids a line in, one JSON list of numbers a line out: mean over tokens, L2-normalised.
"""

import json
import sys

import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
# The reference is the graph as it is written: onnxruntime's own fusions quantize activations behind int8 weights.
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
for line in sys.stdin:
    ids = np.array([json.loads(line)], np.int64)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    inputs = {wanted.name: inputs[wanted.name] for wanted in session.get_inputs()}
    mean = session.run(None, inputs)[0][0].mean(0)
    print(json.dumps((mean / np.linalg.norm(mean)).tolist()))
