"""The graph of a BERT encoder with mean pooling, as ONNX, from its published weights.

Written out here so that neither torch nor an exporter is needed: one text, no padding and so
no mask.  Devlin et al., *BERT* (2019); Reimers & Gurevych, *Sentence-BERT* (2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

VERSION = 1
"""Raised with every change that can change a bit of a vector."""

OPSET, IR_VERSION = 20, 9
HEADS = 12
EPSILON = 1e-12

Weights = Mapping[str, npt.NDArray[np.float32]]


def bert(weights: Weights) -> ModelProto:
    """Return the graph: ``ids`` (int64, tokens) to ``mean`` (float32, dimensions).

    Parameters
    ----------
    weights : mapping
        Tensors under the names of Hugging Face's ``BertModel``.

    Returns
    -------
    onnx.ModelProto
        The mean over all tokens' last hidden states; not normalised.
    """
    return _Graph(weights).model()


class _Graph:
    """Nodes and constants while they are put together."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, npt.NDArray[np.generic]] = {}
        self.width = weights["embeddings.word_embeddings.weight"].shape[1]

    def model(self) -> ModelProto:
        hidden = self.embeddings()
        layers = 1 + max(
            int(name.split(".")[2]) for name in self.weights if name.startswith("encoder.layer.")
        )
        for n in range(layers):
            hidden = self.layer(f"encoder.layer.{n}", hidden)
        axis = self.constant("axis", np.array([0], dtype=np.int64))
        self.node("ReduceMean", hidden, axis, out="mean", keepdims=0)
        graph = helper.make_graph(
            self.nodes,
            "bert",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, ["tokens"])],
            [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [self.width])],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )

    def embeddings(self) -> str:
        """Words, places and the one segment; (tokens, width)."""
        segment = self.weights["embeddings.token_type_embeddings.weight"][0]
        places = self.weights["embeddings.position_embeddings.weight"] + segment
        words = self.node("Gather", self.weight("embeddings.word_embeddings.weight"), "ids")
        table = self.constant("places", places)
        length = self.node("Shape", "ids")
        start = self.constant("zero", np.array([0], dtype=np.int64))
        here = self.node("Slice", table, start, length, start)
        return self.norm("embeddings.LayerNorm", self.node("Add", words, here))

    def layer(self, at: str, hidden: str) -> str:
        """Attention and feed-forward, each with its residual."""
        attended = self.dense(f"{at}.attention.output.dense", self.attention(at, hidden))
        hidden = self.norm(f"{at}.attention.output.LayerNorm", self.node("Add", attended, hidden))
        wide = self.node("Gelu", self.dense(f"{at}.intermediate.dense", hidden))
        narrow = self.dense(f"{at}.output.dense", wide)
        return self.norm(f"{at}.output.LayerNorm", self.node("Add", narrow, hidden))

    def attention(self, at: str, hidden: str) -> str:
        """Scaled dot products of all heads; (tokens, width)."""
        size = self.width // HEADS
        shape = self.constant("heads", np.array([-1, HEADS, size], dtype=np.int64))
        q, k, v = (
            self.node("Reshape", self.dense(f"{at}.attention.self.{part}", hidden), shape)
            for part in ("query", "key", "value")
        )
        query = self.node("Transpose", q, perm=[1, 0, 2])
        key = self.node("Transpose", k, perm=[1, 2, 0])
        value = self.node("Transpose", v, perm=[1, 0, 2])
        scale = self.constant("scale", np.array(size**-0.5, dtype=np.float32))
        scores = self.node("Mul", self.node("MatMul", query, key), scale)
        mixed = self.node("MatMul", self.node("Softmax", scores, axis=-1), value)
        rows = self.node("Transpose", mixed, perm=[1, 0, 2])
        flat = self.constant("flat", np.array([-1, self.width], dtype=np.int64))
        return self.node("Reshape", rows, flat)

    def dense(self, at: str, x: str) -> str:
        matrix = self.constant(f"{at}.weight", np.ascontiguousarray(self.weights[f"{at}.weight"].T))
        return self.node("Add", self.node("MatMul", x, matrix), self.weight(f"{at}.bias"))

    def norm(self, at: str, x: str) -> str:
        scale, bias = self.weight(f"{at}.weight"), self.weight(f"{at}.bias")
        return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=EPSILON)

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name])

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.constants[name] = value
        return name

    def node(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        name = out or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name
